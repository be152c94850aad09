/* Five bodies under gravity: double arithmetic with square roots, on small arrays. */
#include "kernels.h"

enum { BODIES = 5 };

typedef struct body {
    double x, y, z;
    double vx, vy, vz;
    double mass;
} body;

static body bodies[BODIES];

/* A heavy body in the middle, and lighter ones around it. */
static void place(void)
{
    for (uint32_t i = 0; i < BODIES; i++) {
        body *b = &bodies[i];
        double r = i;

        b->x = r * 1.5;
        b->y = r * (i % 2 ? 0.25 : -0.5);
        b->z = r * 0.125;
        b->vx = r * -0.03125;
        b->vy = i ? 2.0 / r : 0.0;
        b->vz = i % 2 ? 0.0625 : -0.0625;
        b->mass = i ? 0.01 * r : 10.0;
    }
}

/* Let two bodies pull at each other for a time. */
static void pull(body *a, body *b, double time)
{
    double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
    double square = dx * dx + dy * dy + dz * dz + 0.0001;
    double scale = time / (square * __builtin_sqrt(square));

    a->vx -= dx * b->mass * scale;
    a->vy -= dy * b->mass * scale;
    a->vz -= dz * b->mass * scale;
    b->vx += dx * a->mass * scale;
    b->vy += dy * a->mass * scale;
    b->vz += dz * a->mass * scale;
}

static void step(double time)
{
    for (uint32_t i = 0; i < BODIES; i++) {
        for (uint32_t j = i + 1; j < BODIES; j++)
            pull(&bodies[i], &bodies[j], time);
    }
    for (uint32_t i = 0; i < BODIES; i++) {
        bodies[i].x += time * bodies[i].vx;
        bodies[i].y += time * bodies[i].vy;
        bodies[i].z += time * bodies[i].vz;
    }
}

KERNEL(nbody, size)
{
    uint64_t sum = 0;

    place();
    for (uint32_t i = 0; i < size; i++)
        step(0.001);
    for (uint32_t i = 0; i < BODIES; i++)
        sum = sum * 31 + (kernel_bits(bodies[i].x) ^ kernel_bits(bodies[i].vy));
    return sum;
}
