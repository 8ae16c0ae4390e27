"""Which extra of the package brings what a command imports."""

__all__ = ["EXTRAS", "missing"]

# Each extra, and the packages that it brings, as they are imported.
EXTRAS = {
    "sw": ("torch", "sklearn", "pooch", "matplotlib", "jinja2", "PIL", "scipy", "serial"),
    "demo": ("starlette", "uvicorn"),
    "large": ("lightning",),
    "fed": ("flwr",),
    "hw": ("amaranth", "amaranth_boards", "filelock"),
    "onnx": ("onnx", "onnxruntime", "qonnx"),
    "sim": ("cocotb", "cocotb_tools", "cocotbext", "pysat"),
    "litex": ("litex", "migen"),
    "bench": ("da4ml",),
    "spi": ("spidev",),
    "shell": ("shtab",),
    "parquet": ("pyarrow",),
}


def missing(error: ModuleNotFoundError) -> str | None:
    """Return the sentence that names the extra to install; None if no extra brings the module.

    >>> missing(ModuleNotFoundError(name="torch.nn"))
    "torch is not installed: pip install '.[sw]' in the checkout, or 'hybnn[sw]'"
    """
    package = (error.name or "").partition(".")[0]
    for extra, packages in EXTRAS.items():
        if package in packages:
            return (f"{package} is not installed: pip install '.[{extra}]' in the checkout, or "
                    f"'hybnn[{extra}]'")
    return None
