"""A SoC of LiteX with a core in it: a CPU, a ROM, a UART whose bytes a simulator takes."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

from litex.build.generic_platform import Pins, Subsignal
from litex.build.io import CRG
from litex.build.sim import SimPlatform
from litex.soc.integration import export
from litex.soc.integration.common import get_mem_data
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCCore
from litex.soc.interconnect import wishbone
from migen import ClockSignal, Instance, ResetSignal

__all__ = ["NAME", "make"]

NAME = "hybnn_core"    # Of the core's module.
TOP = "soc"
PROGRAM, RAM = 0x2000, 0x1000    # Bytes: of the ROM without inputs, and of the variables.
ROOM = 0x100                 # Of the address space, for the core's 16 bytes.
IO = [("sys_clk", 0, Pins(1)),
      ("serial", 0, *(Subsignal(f"{stream}_{wire}", Pins(8 if wire == "data" else 1))
                      for stream in ("source", "sink") for wire in ("valid", "ready", "data")))]


def make(core: Path, bus: str, cpu: tuple[str, str],
         program: Callable[[list[str], list[Path]], Path], folder: Path, n_data: int) -> str:
    """Return the SoC's Verilog, with all it needs; ``folder`` gets the contents of its ROM.

    Parameters
    ----------
    core : Path
        Folder of a core called :data:`NAME`.
    bus : str
        How the CPU reaches it: by LiteX's CSRs, ``csr``, or its registers on the ``wishbone``.
    cpu : tuple of str
        One of RISC-V and its variant, as LiteX calls them.
    program
        Compiles the program for the ROM with these flags of the compiler and these folders of
        headers; returns a file of bytes.
    n_data : int
        Bytes of inputs in the program, for which the ROM must have room.
    """
    platform = SimPlatform("SIM", list(IO))
    soc = SoCCore(
        platform, clk_freq=int(1e6), cpu_type=cpu[0], cpu_variant=cpu[1], uart_name="sim",
        integrated_rom_size=1 << (PROGRAM + n_data - 1).bit_length(), integrated_sram_size=RAM,
        with_timer=False, ident="")
    soc.crg = CRG(platform.request("sys_clk"))
    {"csr": _with_csrs, "wishbone": _with_wishbone}[bus](soc, core)
    soc.finalize()
    _write_headers(soc, folder / "generated")
    ram = soc.bus.regions["sram"]
    flags = [*soc.cpu.gcc_flags.split(), f"-DSTACK={ram.origin + ram.size}",
             f"-Wl,--section-start=.text={soc.bus.regions['rom'].origin}"]
    software = Path(export.__file__).parent.parent
    soc.init_rom("rom", get_mem_data(str(program(flags, [
        folder, core, software / "software" / "include", software / "cores" / "cpu" / cpu[0]])),
        endianness=soc.cpu.endianness), auto_size=False)
    fragment = soc.get_fragment()
    platform.finalize(fragment)
    made = platform.get_verilog(fragment, name=TOP)
    for name, words in made.data_files.items():
        (folder / name).write_text(words)
    # Its comments tell when it was made.
    text = "".join(line for line in made.main_source.splitlines(True) if line[:2] != "//")
    return text + "".join(Path(source).read_text() for source, *_ in platform.sources)


def _with_csrs(soc, core: Path) -> None:
    """Add the core as somebody would who has its folder."""
    spec = importlib.util.spec_from_file_location("core", core / f"{NAME}_litex.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    setattr(soc, NAME, module.Core(soc.platform))


def _with_wishbone(soc, core: Path) -> None:
    """Add the core's module with a Wishbone bus; LiteX calls its address as the C header does."""
    bus = wishbone.Interface(data_width=32, address_width=32, addressing="word")
    soc.specials += Instance(
        f"{NAME}_wishbone", i_clk_i=ClockSignal(), i_rst_i=ResetSignal(),
        i_cyc_i=bus.cyc, i_stb_i=bus.stb, i_we_i=bus.we, i_adr_i=bus.adr[:2], i_dat_i=bus.dat_w,
        o_ack_o=bus.ack, o_dat_o=bus.dat_r)
    soc.bus.add_slave(NAME, bus, SoCRegion(size=ROOM, cached=False))
    for file in f"{NAME}_wishbone.sv", f"{NAME}.sv":
        soc.platform.add_source(str(core / file))


def _write_headers(soc, folder: Path) -> None:
    """Write the headers that LiteX generates, and a program includes."""
    folder.mkdir()
    (folder / "soc.h").write_text(export.get_soc_header(soc.constants))
    (folder / "mem.h").write_text(export.get_mem_header(soc.mem_regions))
    (folder / "csr.h").write_text(export.get_csr_header(
        soc.csr_regions, soc.constants, csr_base=soc.mem_regions["csr"].origin))
