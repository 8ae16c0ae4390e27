"""Sipeed Tang Nano 9K: Gowin GW1NR-9C, a 27 MHz oscillator, and a BL702 for the link."""

from amaranth_boards.tang_nano_9k import TangNano9kPlatform

from . import Board


class Platform(TangNano9kPlatform):
    """The platform with today's place and route: Amaranth 0.5 calls ``nextpnr-gowin``, which
    nextpnr has replaced by ``nextpnr-himbaechel-gowin``."""

    _apicula_required_tools = ("yosys", "nextpnr-himbaechel-gowin", "gowin_pack")
    _apicula_command_templates = (
        TangNano9kPlatform._apicula_command_templates[0],
        r"""
        {{invoke_tool("nextpnr-himbaechel-gowin")}}
            {{quiet("--quiet")}}
            {{get_override("nextpnr_opts")|options}}
            --log {{name}}.tim
            --device {{platform.part}}
            --vopt family={{platform._chipdb_device}}
            --vopt cst={{name}}.cst
            --json {{name}}.syn.json
            --write {{name}}.pnr.json
        """,
        TangNano9kPlatform._apicula_command_templates[2],
    )


BOARDS = [Board(
    name="tang_nano_9k",
    family="gowin",
    platform=Platform,
    clock=54e6,          # Twice the oscillator.
    baud=2_000_000,      # 27 cycles of 54 MHz exactly; the BL702 is said to do no more.
    max_baud=2_000_000,
    logic_cells=8640,
    block_rams=26,
    programmer=("openFPGALoader", "--board", "tangnano9k"),
    programmer_from="apt install openfpgaloader, or brew install openfpgaloader",
)]
