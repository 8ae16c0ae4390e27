"""From wires to codes and images, and from classes to wires: UART, SPI, AXI, registers; frames."""
