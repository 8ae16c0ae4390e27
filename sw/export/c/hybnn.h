/* Ask a board for classes, from a microcontroller: frames, retries, and a table's rows as bits.
 * C99, no heap, no operating system. What your network is stands in network.h. */
#ifndef HYBNN_H
#define HYBNN_H

#include <stddef.h>
#include <stdint.h>

/* The wire. `get` returns the next byte, or -1 if none came for some milliseconds. */
struct hybnn_link {
    void (*put)(void *port, uint8_t byte);
    int (*get)(void *port);
    void *port;
    uint8_t sequence;    /* Of the next request: leave it alone. */
};

/* How a column becomes bits: one for each threshold that its value reaches, or one for each word. */
struct hybnn_column {
    const double *thresholds;
    uint16_t n_thresholds;
    uint16_t n_words;
    uint8_t has_missing;    /* There is one more bit, for a value that is missing. */
};

enum { HYBNN_NO_ANSWER = -1, HYBNN_TRIES = 4, HYBNN_PATIENCE = 4096 };

/* Read what is still on the wire: an answer to a question from before a reset must not be believed.
 * Call it once, before anything is asked. */
void hybnn_begin(struct hybnn_link *link);

/* Return the class of a code, or of an image, of n bytes; HYBNN_NO_ANSWER after HYBNN_TRIES. */
int hybnn_classify(struct hybnn_link *link, const uint8_t *code, size_t n);

/* Write the bits of a row into code, element 0 into bit 0 of byte 0. A value that is missing is NaN,
 * and a word is its number; code has the bytes that network.h says. */
void hybnn_encode(const struct hybnn_column *columns, size_t n_columns, const double *row,
                  uint8_t *code, size_t n_bytes);

#endif
