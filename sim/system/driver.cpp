// Clocks a SoC of LiteX and writes what its UART says: see sim/soc.py.
//
//     program SAID LIMIT
//
// ends with exit code 0 at an end of text, which is not written, and prints the cycles until then;
// with 1 after LIMIT cycles.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "Vdriven.h"
#include "verilated.h"

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    std::FILE* said = std::fopen(argv[1], "wb");
    if (!said) return 2;
    const uint64_t limit = std::strtoull(argv[2], nullptr, 10);
    const auto context = std::make_unique<VerilatedContext>();
    const auto soc = std::make_unique<Vdriven>(context.get());
    soc->serial_source_ready = 1;
    for (uint64_t cycle = 0; cycle < limit; ++cycle) {
        soc->sys_clk = 0;
        soc->eval();
        const bool says = soc->serial_source_valid;
        const char byte = soc->serial_source_data;
        soc->sys_clk = 1;
        soc->eval();
        if (says && byte == '\4') {
            std::fclose(said);
            std::printf("%llu\n", static_cast<unsigned long long>(cycle));
            return 0;
        }
        if (says) std::fputc(byte, said);
    }
    std::fclose(said);
    std::fprintf(stderr, "error: no end of text in %llu cycles\n",
                 static_cast<unsigned long long>(limit));
    return 1;
}
