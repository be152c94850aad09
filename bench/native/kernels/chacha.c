/* ChaCha20's stream, a row of its state in each vector: additions, rotations, shuffles.
 * Source: RFC 8439. */
#include "../simd.h"

static u32x4 rotate(u32x4 v, int by)
{
    return v << by | v >> (32 - by);
}

static void quarters(u32x4 s[4])
{
    s[0] += s[1];
    s[3] = rotate(s[3] ^ s[0], 16);
    s[2] += s[3];
    s[1] = rotate(s[1] ^ s[2], 12);
    s[0] += s[1];
    s[3] = rotate(s[3] ^ s[0], 8);
    s[2] += s[3];
    s[1] = rotate(s[1] ^ s[2], 7);
}

static void block(const u32x4 in[4], u32x4 out[4])
{
    u32x4 s[4] = {in[0], in[1], in[2], in[3]};

    for (int i = 0; i < 10; i++) {
        quarters(s);
        s[1] = __builtin_shufflevector(s[1], s[1], 1, 2, 3, 0);
        s[2] = __builtin_shufflevector(s[2], s[2], 2, 3, 0, 1);
        s[3] = __builtin_shufflevector(s[3], s[3], 3, 0, 1, 2);
        quarters(s);
        s[1] = __builtin_shufflevector(s[1], s[1], 3, 0, 1, 2);
        s[2] = __builtin_shufflevector(s[2], s[2], 2, 3, 0, 1);
        s[3] = __builtin_shufflevector(s[3], s[3], 1, 2, 3, 0);
    }
    for (int i = 0; i < 4; i++)
        out[i] = s[i] + in[i];
}

KERNEL(chacha, kib)
{
    u32x4 state[4] = {{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574},
                      {0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c},
                      {0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c},
                      {0, 0, 0x4a000000, 0}};
    static u32x4 out[16][4];
    u32x4 sum = {0};

    for (uint32_t i = 0; i < kib; i++) {
        for (int j = 0; j < 16; j++) {
            block(state, out[j]);
            state[3][0]++;
        }
        for (int j = 0; j < 16; j++)
            sum ^= out[j][0] + out[j][1] + out[j][2] + out[j][3];
    }
    return (uint64_t)(sum[0] ^ sum[1]) << 32 | (sum[2] ^ sum[3]);
}
