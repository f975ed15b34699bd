/* Reads numbers, prints the histogram of them. */
#include "histogram.h"

int main(void)
{
    static struct histogram histogram;
    unsigned long value;
    while (scanf("%lu", &value) == 1)
        histogram_add(&histogram, value);
    printf("{");
    histogram_print(&histogram, "found", stdout);
    printf("}\n");
    return 0;
}
