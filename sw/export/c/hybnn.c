/* See hybnn.h, and docs/formats.md for the frames. */
#include "hybnn.h"

enum { FLAG = 0x7E, ESCAPE = 0x7D, FLIP = 0x20, N_SEQUENCES = 128, ANSWER = 4 };

static void put(struct hybnn_link *link, uint8_t byte)
{
    if (byte == FLAG || byte == ESCAPE) {
        link->put(link->port, ESCAPE);
        byte ^= FLIP;
    }
    link->put(link->port, byte);
}

static int is_early(const struct hybnn_link *link, uint32_t begun)
{
    return (uint32_t)(link->millis() - begun) < HYBNN_PATIENCE;
}

/* CRC-32/ISO-HDLC and CRC-16/X-25, a bit at a time: tables would take more room than time. */
static uint32_t crc32(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++)
        crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xEDB88320) : 0);
    return crc;
}

static uint16_t crc16(const uint8_t *bytes, int n)
{
    uint16_t crc = 0xFFFF;
    while (n--) {
        crc ^= *bytes++;
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc >> 1 ^ (crc & 1 ? 0x8408 : 0));
    }
    return crc ^ 0xFFFF;
}

static void request(struct hybnn_link *link, const uint8_t *code, size_t n)
{
    uint32_t crc = crc32(UINT32_C(0xFFFFFFFF), link->sequence);
    link->put(link->port, FLAG);
    put(link, link->sequence);
    for (size_t at = 0; at < n; at++) {
        crc = crc32(crc, code[at]);
        put(link, code[at]);
    }
    crc = ~crc;
    for (int at = 0; at < 4; at++)
        put(link, (uint8_t)(crc >> 8 * at));
    link->put(link->port, FLAG);
}

/* Read frames until one answers this request; whatever else comes is passed over. It is time that
 * ends this, not a number of bytes: on SPI there are flags as long as one waits. */
static int answer(struct hybnn_link *link)
{
    uint8_t body[ANSWER];
    int n = 0, escaped = 0;
    for (uint32_t begun = link->millis(); is_early(link, begun);) {
        int byte = link->get(link->port);
        if (byte < 0)
            continue;
        if (byte == FLAG) {
            if (n == ANSWER && !escaped && body[0] == link->sequence
                    && crc16(body, 2) == (uint16_t)(body[2] | (uint16_t)body[3] << 8))
                return body[1];
            n = escaped = 0;
        } else if (byte == ESCAPE) {
            escaped = 1;
        } else {
            if (n < ANSWER)
                body[n] = (uint8_t)(escaped ? byte ^ FLIP : byte);
            n += n <= ANSWER;    /* A longer frame stays one. */
            escaped = 0;
        }
    }
    return HYBNN_NO_ANSWER;
}

void hybnn_begin(struct hybnn_link *link)
{
    for (uint32_t begun = link->millis(); is_early(link, begun);)
        link->get(link->port);
    link->sequence = 0;
}

int hybnn_classify(struct hybnn_link *link, const uint8_t *code, size_t n)
{
    for (int left = HYBNN_TRIES; left; left--) {
        request(link, code, n);
        int klass = answer(link);
        /* Each try has a number of its own: a late answer to an earlier one is not believed. */
        link->sequence = (uint8_t)((link->sequence + 1) % N_SEQUENCES);
        if (klass >= 0)
            return klass;
    }
    return HYBNN_NO_ANSWER;
}

static void set(uint8_t *code, size_t n_bytes, size_t at, int is_set)
{
    if (at / 8 < n_bytes)
        code[at / 8] |= (uint8_t)(is_set << at % 8);
}

void hybnn_encode(const struct hybnn_column *columns, size_t n_columns, const double *row,
                  uint8_t *code, size_t n_bytes)
{
    size_t at = 0;
    for (size_t byte = 0; byte < n_bytes; byte++)
        code[byte] = 0;
    for (size_t number = 0; number < n_columns; number++) {
        const struct hybnn_column *column = &columns[number];
        double value = row[number];
        for (unsigned each = 0; each < column->n_thresholds; each++, at++)
            set(code, n_bytes, at, value >= column->thresholds[each]);
        for (unsigned each = 0; each < column->n_words; each++, at++)
            set(code, n_bytes, at, value == each);
        if (column->has_missing)
            set(code, n_bytes, at++, value != value);
    }
}
