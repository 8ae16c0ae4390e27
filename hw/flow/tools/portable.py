"""A design as one module of plain SystemVerilog, which any tool takes."""

import re
import tempfile
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from hw.flow.tools import toolchain
from hw.flow.tools.verilog import ports

__all__ = ["convert"]

# One flat module without processes: registers, memories of two words or more, and expressions.
# Names need no escape, and operands have one width.
SCRIPT = r"""
read_rtlil design.il
hierarchy -top {name}
proc
flatten -separator __
opt_expr
opt_clean -purge
pmuxtree
wreduce
opt_clean -purge
memory_collect
memory_map t:$mem_v2 r:SIZE=1 %i
opt_expr
techmap -map widths.v
splitnets -driver
opt_clean -purge
rename -hide w:*$* w:*.* w:*[*
attrmap -remove src -remove hdlname -remove always_ff -remove unused_bits {attributes}
attrmap -modattr -remove src {attributes}
write_verilog -simple-lhs design.v
"""
ATTRIBUTES = "generator", "top", "amaranth.hierarchy", "amaranth.decoding", "keep_hierarchy"
# Operands as wide as the result, or as each other: rules that extend them are no concern then.
WIDTHS = r"""
module \{cell} #(parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1)
    (input [A_WIDTH-1:0] A, input [B_WIDTH-1:0] B, output [Y_WIDTH-1:0] Y);
  localparam WIDTH = {width};
  wire _TECHMAP_FAIL_ = A_WIDTH == WIDTH && B_WIDTH == WIDTH;
  wire [WIDTH-1:0] one, other;
  \$pos #(.A_SIGNED(A_SIGNED), .A_WIDTH(A_WIDTH), .Y_WIDTH(WIDTH)) extend_a (.A(A), .Y(one));
  \$pos #(.A_SIGNED(B_SIGNED), .A_WIDTH(B_WIDTH), .Y_WIDTH(WIDTH)) extend_b (.A(B), .Y(other));
  \{cell} #(.A_SIGNED(A_SIGNED), .B_SIGNED(B_SIGNED), .A_WIDTH(WIDTH), .B_WIDTH(WIDTH),
    .Y_WIDTH(Y_WIDTH)) same (.A(one), .B(other), .Y(Y));
endmodule
"""
NOT = r"""
module \$logic_not #(parameter A_SIGNED = 0, A_WIDTH = 1, Y_WIDTH = 1)
    (input [A_WIDTH-1:0] A, output [Y_WIDTH-1:0] Y);
  assign Y = ~(|A);
endmodule
"""
SHIFT = r"""
module \{cell} #(parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1)
    (input [A_WIDTH-1:0] A, input [B_WIDTH-1:0] B, output [Y_WIDTH-1:0] Y);
  wire _TECHMAP_FAIL_ = A_WIDTH <= Y_WIDTH || B_SIGNED != 0;
  wire [A_WIDTH-1:0] whole;
  \$shr #(.A_SIGNED(0), .B_SIGNED(0), .A_WIDTH(A_WIDTH), .B_WIDTH(B_WIDTH), .Y_WIDTH(A_WIDTH))
    shr (.A(A), .B(B), .Y(whole));
  assign Y = whole[Y_WIDTH-1:0];
endmodule
"""
SAME = "$eq", "$ne", "$lt", "$le", "$gt", "$ge"
RESULT = "$add", "$sub", "$and", "$or", "$xor", "$xnor"
ESCAPED = re.compile(r"\\(\S+) ")
INITIALISED = re.compile(r"^(  (?:output )?reg (?:signed )?(?:\[[\d:]+\] )?(\w+)) = (\S+);$",
                         re.MULTILINE)


def convert(component: wiring.Component, name: str) -> str:
    """Convert a component to one module; the same component gives the same text.

    Raises :exc:`~hw.flow.tools.toolchain.ToolNotFound` where there is no Yosys, and
    :exc:`~hw.flow.tools.toolchain.ToolFailed` where it does not work.
    """
    yosys = toolchain.find("yosys")
    attributes = " ".join(f"-remove {each}" for each in ATTRIBUTES)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "design.il").write_text(
            rtlil.convert(component, name=name, ports=ports(component), emit_src=False))
        Path(folder, "widths.v").write_text(_maps())
        Path(folder, "script.ys").write_text(SCRIPT.format(name=name, attributes=attributes))
        toolchain.run([yosys, "-q", "script.ys"], Path(folder))
        text = Path(folder, "design.v").read_text()
    # The version of Yosys, and the day of its making, are no part of the design.
    text = text.partition("*/\n")[2].lstrip()
    # Whatever takes a register for combinational because of its first value, takes it apart.
    return INITIALISED.sub(r"\1;\n  initial \2 = \3;", _plain(text))


def _maps() -> str:
    """Return rules for cells whose operands differ in width, and for ``!`` of several bits."""
    rules = [(SHIFT, "$shr", ""), (SHIFT, "$shift", "")]
    rules += [(WIDTHS, cell, "A_WIDTH > B_WIDTH ? A_WIDTH : B_WIDTH") for cell in SAME]
    rules += [(WIDTHS, cell, "Y_WIDTH") for cell in RESULT]
    return NOT + "".join(rule.replace("{cell}", cell).replace("{width}", width)
                         for rule, cell, width in rules)


def _plain(text: str) -> str:
    """Return a module's text without names that must be escaped."""
    names = sorted(set(ESCAPED.findall(text)))
    known = set(re.findall(r"\w+", text))
    for name in names:
        plain = re.sub(r"\W", "_", name)
        while plain in known:
            plain += "_"
        known.add(plain)
        text = text.replace(f"\\{name} ", plain)
    return text
