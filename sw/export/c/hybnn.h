/* Ask a board for classes, from a microcontroller: frames, retries, and a table's rows as bits.
 * C99, no heap, no operating system. What your network is stands in network.h. */
#ifndef HYBNN_H
#define HYBNN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The wire, and a clock.
 * UART: `put` sends a byte; `get` returns the next that came, or -1 if there is none yet.
 * SPI gives a byte back for each that is sent: `get` sends a flag, 0x7E, and returns what came;
 * `put` drops what came, as an answer comes after the whole of its request. */
struct hybnn_link {
    void (*put)(void *port, uint8_t byte);
    int (*get)(void *port);
    uint32_t (*millis)(void);    /* Milliseconds since any moment; may begin anew at 2^32. */
    void *port;
    uint8_t sequence;    /* Of the next request: leave it alone. */
};

/* How a column becomes bits: one for each threshold that its value reaches, or one for each word.
 * Where a double has 32 bits, as on AVR, a value that lies within rounding of a threshold may have
 * another bit than on the host. */
struct hybnn_column {
    const double *thresholds;
    uint16_t n_thresholds;
    uint16_t n_words;
    uint8_t has_missing;    /* There is one more bit, for a value that is missing. */
};

enum { HYBNN_NO_ANSWER = -1, HYBNN_TRIES = 4 };

/* Milliseconds for an answer to come, once the request is sent: most networks take less than 3. */
enum { HYBNN_PATIENCE = 250 };

/* Read for HYBNN_PATIENCE what is still on the wire: an answer to a question from before a reset
 * must not be believed. Call it once, before anything is asked. */
void hybnn_begin(struct hybnn_link *link);

/* Return the class of a code, or of an image, of n bytes; HYBNN_NO_ANSWER after HYBNN_TRIES, each
 * of HYBNN_PATIENCE. */
int hybnn_classify(struct hybnn_link *link, const uint8_t *code, size_t n);

/* Write the bits of a row into code, element 0 into bit 0 of byte 0. A value that is missing is NaN,
 * and a word is its number; code has the bytes that network.h says, and no byte behind them is
 * written. */
void hybnn_encode(const struct hybnn_column *columns, size_t n_columns, const double *row,
                  uint8_t *code, size_t n_bytes);

#ifdef __cplusplus
}
#endif

#endif
