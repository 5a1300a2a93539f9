/* Workload a: digests. Arithmetic and rotations in long straight runs (SHA-256), a table look-up a byte (CRC-32 by
   table), a branch a bit (CRC-32 by shifting). Sources: FIPS 180-4; ISO 3309 with the reflected polynomial. */
#include "bench.h"

enum { BUFFER = 16384, DIGESTED = 2048, BLOCK = 64, BY_TABLE = 4096, BY_BIT = 1024 };
#define POLYNOMIAL 0xEDB88320u

static u8 buffer[BUFFER] __attribute__((aligned(4)));
static u32 table[256];

static const u32 round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const u32 initial_hash[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static inline u32 rotate_right(u32 value, int bits)
{
    return value >> bits | value << (32 - bits);
}

static WORK void sha256_block(u32 *hash, const u32 *words)
{
    u32 schedule[64];
    for (int i = 0; i < 16; i++)
        schedule[i] = words[i];
    for (int i = 16; i < 64; i++) {
        u32 near = schedule[i - 2], far = schedule[i - 15];
        u32 sigma0 = rotate_right(far, 7) ^ rotate_right(far, 18) ^ far >> 3;
        u32 sigma1 = rotate_right(near, 17) ^ rotate_right(near, 19) ^ near >> 10;
        schedule[i] = schedule[i - 16] + sigma0 + schedule[i - 7] + sigma1;
    }
    u32 a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4], f = hash[5], g = hash[6], h = hash[7];
    for (int i = 0; i < 64; i++) {
        u32 sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        u32 choice = (e & f) ^ (~e & g);
        u32 first = h + sum1 + choice + round_constants[i] + schedule[i];
        u32 sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        u32 majority = (a & b) ^ (a & c) ^ (b & c);
        h = g, g = f, f = e, e = d + first, d = c, c = b, b = a, a = first + sum0 + majority;
    }
    hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d;
    hash[4] += e, hash[5] += f, hash[6] += g, hash[7] += h;
}

static inline u32 crc_step(u32 crc)
{
    for (int bit = 0; bit < 8; bit++)
        crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
    return crc;
}

static WORK u32 crc_by_bit(const u8 *data, int length)
{
    u32 crc = ~0u;
    for (int i = 0; i < length; i++)
        crc = crc_step(crc ^ data[i]);
    return ~crc;
}

static WORK u32 crc_by_table(const u8 *data, int length)
{
    u32 crc = ~0u;
    for (int i = 0; i < length; i++)
        crc = table[(crc ^ data[i]) & 0xFF] ^ crc >> 8;
    return ~crc;
}

static void prepare(void)
{
    u32 random = 12345;
    for (u32 i = 0; i < ELEMENTS(table); i++)
        table[i] = crc_step(i);
    for (u32 i = 0; i < BUFFER; i++) {
        random = random * 1103515245u + 12345;
        buffer[i] = random >> 16;
    }
}

u32 workload(u32 repetitions)
{
    u32 hash[8], sum = 0;
    for (int i = 0; i < 8; i++)
        hash[i] = initial_hash[i];
    prepare();
    for (u32 done = 0; done < repetitions; done++) {
        for (int at = 0; at < DIGESTED; at += BLOCK)
            sha256_block(hash, (const u32 *)(buffer + at));
        sum ^= crc_by_table(buffer, BY_TABLE);
        sum += crc_by_bit(buffer, BY_BIT);
        buffer[done % BY_TABLE] ^= sum;
    }
    for (int i = 0; i < 8; i++)
        sum = sum * 31 + hash[i];
    return sum;
}
