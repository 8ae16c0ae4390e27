// Drives a Verilated serial engine, cycle by cycle: see tests/soak/stages.py.
//
//     program STEPS CLASSES SILENCE
//
// takes the words of the file STEPS, 16 bits each: below 0x100 a byte, 0x100 accept, 0x200 abort,
// from 0x300 on a pause of so many cycles more. It writes the classes, 16 bits each, to the file
// CLASSES, and ends when for SILENCE cycles nothing went in or out.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "Vdriven.h"
#include "verilated.h"

#define PORT(stream, wire) stream##___05F##wire

int main(int, char** argv) {
    std::vector<uint16_t> steps;
    std::FILE* file = std::fopen(argv[1], "rb");
    for (uint16_t step; std::fread(&step, 2, 1, file) == 1;) steps.push_back(step);
    std::fclose(file);
    std::FILE* classes = std::fopen(argv[2], "wb");
    const uint64_t silence = std::strtoull(argv[3], nullptr, 10);

    const auto top = std::make_unique<Vdriven>();
    size_t at = 0;
    unsigned pause = 0;
    for (uint64_t cycle = 0, last = 0; cycle - last < silence; ++cycle) {
        const bool reset = cycle < 2;
        const int step = reset || pause || at == steps.size() ? -1 : steps[at];
        const bool is_byte = step >= 0 && step < 0x100;
        top->rst = reset;
        top->PORT(bytes, valid) = is_byte;
        top->PORT(bytes, payload) = is_byte ? step : 0x55;
        top->accept = step == 0x100;
        top->__SYM__abort = step == 0x200;    // Verilator spares the name from C.
        top->clk = 0;
        top->eval();
        const bool done = step >= 0x100 || (is_byte && top->PORT(bytes, ready));
        if (top->PORT(y, valid)) {
            const uint16_t klass = top->PORT(y, payload);
            std::fwrite(&klass, 2, 1, classes);
            last = cycle;
        }
        if (pause) --pause;
        if (done) {
            if (step >= 0x300) pause = step - 0x300;
            ++at, last = cycle;
        }
        top->clk = 1;
        top->eval();
    }
    top->final();
    return std::fclose(classes);
}
