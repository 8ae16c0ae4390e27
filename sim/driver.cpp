// Drives the byte streams of a Verilated accelerator, cycle by cycle: see sim/ask.py.
//
//     program REQUESTS ANSWERS SILENCE LIMIT [WAVES]
//
// puts the bytes of the file REQUESTS into the stream rx and writes those of tx to the file ANSWERS.
// It ends with exit code 0 when for SILENCE cycles no byte went in or out, or after LIMIT cycles.
// Whatever the design does, one of the two comes. Pauses on both sides are those of a generator of
// numbers with a fixed seed, so that each run is like the last.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "Vdriven.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

// Verilator keeps two underscores for itself and writes those of a name otherwise.
#define PORT(stream, wire) stream##___05F##wire

namespace {

constexpr uint64_t half = 5;    // Nanoseconds of half a cycle, for the waves.

// Most bytes go at once. Before some there is a pause, and some are taken only once they are seen.
struct Pace {
    uint32_t state;
    uint32_t longest;
    uint32_t pause = 0;
    bool shy = false;

    void draw() {
        state ^= state << 13, state ^= state >> 17, state ^= state << 5;
        pause = state % 16 ? 0 : (state >> 4) % (longest + 1);
        shy = (state >> 16) % 4 == 0;
    }
};

[[noreturn]] void fail(const char* what, const char* file) {
    std::fprintf(stderr, "error: cannot %s %s\n", what, file);
    std::exit(2);
}

std::vector<uint8_t> read(const char* name) {
    std::FILE* file = std::fopen(name, "rb");
    if (!file) fail("read", name);
    std::vector<uint8_t> bytes;
    for (int byte; (byte = std::fgetc(file)) != EOF;) bytes.push_back(byte);
    std::fclose(file);
    return bytes;
}

}    // namespace

int main(int argc, char** argv) {
    if (argc < 5) fail("do without", "REQUESTS ANSWERS SILENCE LIMIT");
    const std::vector<uint8_t> requests = read(argv[1]);
    std::FILE* answers = std::fopen(argv[2], "wb");
    if (!answers) fail("write", argv[2]);
    const uint64_t silence = std::strtoull(argv[3], nullptr, 10);
    const uint64_t limit = std::strtoull(argv[4], nullptr, 10);

    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vdriven>(context.get());
#if VM_TRACE
    VerilatedVcdC waves;
    if (argc > 5) {
        context->traceEverOn(true);
        top->trace(&waves, 99);
        waves.open(argv[5]);
        if (!waves.isOpen()) fail("write", argv[5]);
    }
#endif
    const auto settle = [&](int clock) {
        top->clk = clock;
        top->eval();
#if VM_TRACE
        if (argc > 5) waves.dump(context->time());
#endif
        context->timeInc(half);
    };

    Pace in{0x2545f491, 15}, out{0x9e3779b9, 255};
    size_t sent = 0;
    bool seen = false;    // An answer was valid in the cycle before and was not taken.
    for (uint64_t cycle = 0, last = 0; cycle < limit && cycle - last < silence; ++cycle) {
        const bool reset = cycle < 2;
        const bool offers = !reset && sent < requests.size() && in.pause == 0;
        top->rst = reset;
        top->PORT(rx, valid) = offers;
        top->PORT(rx, payload) = offers ? requests[sent] : 0;
        top->PORT(tx, ready) = !reset && out.pause == 0 && (!out.shy || seen);
        settle(0);
        const bool taken = offers && top->PORT(rx, ready);
        const bool given = top->PORT(tx, ready) && top->PORT(tx, valid);
        const uint8_t byte = top->PORT(tx, payload);
        seen = top->PORT(tx, valid) && !given;
        settle(1);
        if (taken) {
            ++sent, last = cycle;
            in.draw();
        } else if (in.pause) {
            --in.pause;
        }
        if (given) {
            if (std::fputc(byte, answers) == EOF) fail("write", argv[2]);
            last = cycle;
            out.draw();
        } else if (out.pause) {
            --out.pause;
        }
        // Whoever waits counts the bytes.
        if (given && byte == 0x7E && std::fflush(answers)) fail("write", argv[2]);
    }
    top->final();
    if (std::fclose(answers)) fail("write", argv[2]);
    return 0;
}
