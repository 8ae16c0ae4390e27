/* Classifies the codes of codes.h and prints their classes, a line each; then an end of text. */

#include <generated/csr.h>
#include <generated/mem.h>

#include "hybnn_core.h"
#include "codes.h"

int main(void);

__attribute__((naked, section(".start"))) void start(void)
{
	__asm__ volatile("li sp, %0\n\tcall main\n1:\tj 1b" : : "i"(STACK));
}

static void put(char byte)
{
	while (uart_txfull_read())
		;
	uart_rxtx_write(byte);
}

/* Print a number below 1000; a small CPU has no division. */
static void print(unsigned number)
{
	char digits[3] = {'0', '0', '0'};

	for (; number >= 100; number -= 100)
		digits[0]++;
	for (; number >= 10; number -= 10)
		digits[1]++;
	digits[2] += number;
	for (number = 0; number < 3; number++)
		put(digits[number]);
	put('\n');
}

int main(void)
{
	/* As somebody would find it who broke off in the middle of an input. */
	hybnn_core_data_write(0);
	hybnn_core_reset();
	for (unsigned each = 0; each < COUNT; each++)
		print(hybnn_core_classify(codes[each]));
	put('\4');
	/* Let the last byte out: VexRiscv's fetches leave the bus to a store when it waits for a load. */
	while (!uart_txempty_read())
		;
	return 0;
}
