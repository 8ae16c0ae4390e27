/* Ask a board at a terminal for the class of each row of stdin: numbers apart by blanks, a line each. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "network.h"

static void put(void *port, uint8_t byte)
{
    if (write(*(int *)port, &byte, 1) != 1)
        exit(3);
}

static int get(void *port)
{
    uint8_t byte;
    struct pollfd wait = {*(int *)port, POLLIN, 0};
    return poll(&wait, 1, 1) > 0 && read(wait.fd, &byte, 1) == 1 ? byte : -1;
}

static uint32_t millis(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)now.tv_sec * 1000 + (uint32_t)(now.tv_nsec / 1000000);
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? open(argv[1], O_RDWR | O_NOCTTY) : -1;
    struct hybnn_link link = {put, get, millis, &port, 0};
    double row[HYBNN_COLUMNS];
    uint8_t code[HYBNN_BYTES];
    if (port >= 0)
        hybnn_begin(&link);
    for (;;) {
        for (int column = 0; column < HYBNN_COLUMNS; column++)
            if (scanf("%lf", &row[column]) != 1)
                return 0;
        hybnn_encode(hybnn_columns, HYBNN_COLUMNS, row, code, sizeof code);
        for (unsigned byte = 0; byte < sizeof code; byte++)
            printf("%02x", code[byte]);
        int klass = port < 0 ? 0 : hybnn_classify(&link, code, sizeof code);
        printf(" %s\n", klass < 0 ? "no answer" : hybnn_classes[klass]);
    }
}
