/* A binary network of one hidden layer on one core, a neuron's weights in one register of AVX2.
 *
 *     program NETWORK CODES CLASSES
 *
 * NETWORK holds, little-endian: the weights of all HIDDEN neurons, 32 bytes each; their numbers, 8 each:
 * where fewer weights than that are unlike the code, the neuron fires; the weights of all CLASSES_N
 * classes, WORDS words each; their offsets, a word each. CODES holds COUNT codes of 32 bytes. The class of each becomes
 * a byte of CLASSES. The seconds of this thread for one inference are printed, the best of TRIES.
 */
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WORDS ((HIDDEN + 63) / 64)
#define TRIES 9

static struct {
    uint64_t weights[HIDDEN][4];
    int64_t limits[HIDDEN];
    uint64_t readout[CLASSES_N][WORDS];
    int64_t offsets[CLASSES_N];
} network;
static uint64_t codes[COUNT][4];
static uint8_t classes[COUNT];

/* Four sums of 64 bits, which together are the number of bits that differ. */
static inline __m256i unlike(__m256i x, const uint64_t *weights) {
    const __m256i low = _mm256_set1_epi8(15), counts = _mm256_setr_epi8(
        0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i bits = _mm256_xor_si256(x, _mm256_loadu_si256((const __m256i *)weights));
    return _mm256_sad_epu8(_mm256_add_epi8(
        _mm256_shuffle_epi8(counts, _mm256_and_si256(bits, low)),
        _mm256_shuffle_epi8(counts, _mm256_and_si256(_mm256_srli_epi16(bits, 4), low))),
        _mm256_setzero_si256());
}

static inline __m256i in_pairs(__m256i one, __m256i other) {
    return _mm256_add_epi64(_mm256_unpacklo_epi64(one, other), _mm256_unpackhi_epi64(one, other));
}

static int classify(const uint64_t *code) {
    const __m256i x = _mm256_loadu_si256((const __m256i *)code);
    uint64_t hidden[WORDS] = {0};
    for (int at = 0; at < HIDDEN; at += 4) {
        const uint64_t(*weights)[4] = &network.weights[at];
        const __m256i low = in_pairs(unlike(x, weights[0]), unlike(x, weights[1]));
        const __m256i high = in_pairs(unlike(x, weights[2]), unlike(x, weights[3]));
        const __m256i sums = _mm256_add_epi64(_mm256_permute2x128_si256(low, high, 0x20),
                                              _mm256_permute2x128_si256(low, high, 0x31));
        const __m256i limits = _mm256_loadu_si256((const __m256i *)&network.limits[at]);
        const int fires = _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(limits, sums)));
        hidden[at / 64] |= (uint64_t)fires << at % 64;
    }
    int best = 0;
    int64_t most = INT64_MIN;
    for (int klass = 0; klass < CLASSES_N; ++klass) {
        int64_t score = network.offsets[klass];
        for (int word = 0; word < WORDS; ++word)
            score -= __builtin_popcountll(hidden[word] ^ network.readout[klass][word]);
        if (score > most) most = score, best = klass;
    }
    return best;
}

static void move(const char *name, const char *mode, void *data, size_t size) {
    FILE *file = fopen(name, mode);
    if (!file || (*mode == 'r' ? fread(data, 1, size, file) : fwrite(data, 1, size, file)) != size
        || fclose(file)) {
        fprintf(stderr, "error: cannot use %s\n", name);
        exit(2);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    move(argv[1], "rb", &network, sizeof network);
    move(argv[2], "rb", codes, sizeof codes);
    double best = 1e9;
    for (int attempt = 0; attempt < TRIES; ++attempt) {
        const clock_t begun = clock();
        for (int at = 0; at < COUNT; ++at) classes[at] = classify(codes[at]);
        const double seconds = (double)(clock() - begun) / CLOCKS_PER_SEC;
        if (seconds < best) best = seconds;
    }
    move(argv[3], "wb", classes, sizeof classes);
    printf("%.6g\n", best / COUNT);
    return 0;
}
