/* Workload b: memory. A sieve (strided byte stores), quicksort of random words (unpredictable branches, recursion),
   copies by four words and by single bytes, aligned and not. */
#include "bench.h"

enum { NUMBERS = 16384, SORTED = 2048, BYTES = 8192 };

static u8 composite[NUMBERS];
static u32 array[SORTED], pristine[SORTED];
static u8 left[BYTES] __attribute__((aligned(4))), right[BYTES] __attribute__((aligned(4)));

static WORK u32 sieve(void)
{
    u32 primes = 0;
    for (u32 i = 0; i < NUMBERS; i++)
        composite[i] = 0;
    for (u32 i = 2; i < NUMBERS; i++) {
        if (composite[i])
            continue;
        primes++;
        for (u32 multiple = 2 * i; multiple < NUMBERS; multiple += i)
            composite[multiple] = 1;
    }
    return primes;
}

static WORK void sort(u32 *words, int low, int high)
{
    while (low < high) {
        u32 pivot = words[(low + high) / 2];
        int i = low, j = high;
        while (i <= j) {
            while (words[i] < pivot)
                i++;
            while (words[j] > pivot)
                j--;
            if (i <= j) {
                u32 word = words[i];
                words[i++] = words[j];
                words[j--] = word;
            }
        }
        /* Recurse into the smaller part, go on with the larger: the stack stays small. */
        if (j - low < high - i) {
            sort(words, low, j);
            low = i;
        } else {
            sort(words, i, high);
            high = j;
        }
    }
}

static WORK void copy_words(u32 *to, const u32 *from, u32 count)
{
    for (; count >= 4; count -= 4, to += 4, from += 4) {
        to[0] = from[0];
        to[1] = from[1];
        to[2] = from[2];
        to[3] = from[3];
    }
    while (count--)
        *to++ = *from++;
}

static WORK void copy_bytes(u8 *to, const u8 *from, u32 count)
{
    while (count--)
        *to++ = *from++;
}

static WORK void shuffle_bytes(void)
{
    for (int pass = 0; pass < 8; pass++) {
        copy_words((u32 *)right, (const u32 *)left, BYTES / 4);
        copy_bytes(left + 1, right, BYTES / 2);
        copy_words((u32 *)left, (const u32 *)right, BYTES / 8);
    }
}

u32 workload(u32 repetitions)
{
    u32 random = 1, sum = 0;
    for (u32 done = 0; done < repetitions; done++) {
        sum += sieve();
        for (u32 i = 0; i < SORTED; i++) {
            random = random * 1664525u + 1013904223u;
            pristine[i] = random;
        }
        copy_words(array, pristine, SORTED);
        sort(array, 0, SORTED - 1);
        for (u32 i = 0; i < SORTED; i++)
            sum = sum * 33 + array[i];
        for (u32 i = 0; i < BYTES; i++)
            left[i] = sum >> (i & 7);
        shuffle_bytes();
        for (u32 i = 0; i < BYTES; i++)
            sum ^= (u32)left[i] << (i & 15);
    }
    return sum;
}
