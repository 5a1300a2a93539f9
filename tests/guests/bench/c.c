/* Workload c: control flow. A stack machine that runs a small program (a switch an operation, so indirect branches),
   a state machine over numbers as text (a branch or two a character), a linked list built, reversed and summed (each
   load depends on the one before), a few divisions. */
#include "bench.h"

/* --- the stack machine ------------------------------------------------------------------------------------------ */
enum operation { PUSH, LOAD, STORE, ADD, SUBTRACT, MULTIPLY, XOR, AND, SHIFT_RIGHT, DUPLICATE, JUMP_IF, HALT };
enum variable { COUNTER, RANDOM, MIXED, TOTAL, VARIABLES };
enum { DEPTH = 16, ROUNDS = 200, LOOP = 4, SKIP = 38 };

static const u8 program[] = {
    PUSH, ROUNDS, STORE, COUNTER,
    /* LOOP: random = 75 * random + 74; mixed = random ^ random >> 3; */
    LOAD, RANDOM, PUSH, 75, MULTIPLY, PUSH, 74, ADD, STORE, RANDOM,
    LOAD, RANDOM, PUSH, 3, SHIFT_RIGHT, LOAD, RANDOM, XOR, STORE, MIXED,
    /* if (!(mixed & 1)) total += 7; */
    LOAD, MIXED, PUSH, 1, AND, JUMP_IF, SKIP,
    LOAD, TOTAL, PUSH, 7, ADD, STORE, TOTAL,
    /* SKIP: if (--counter) goto LOOP; return total ^ random; */
    LOAD, COUNTER, PUSH, 1, SUBTRACT, DUPLICATE, STORE, COUNTER, JUMP_IF, LOOP,
    LOAD, TOTAL, LOAD, RANDOM, XOR, HALT,
};

static u32 variables[VARIABLES];

static WORK u32 run(const u8 *code)
{
    u32 stack[DEPTH], *top = stack, target;
    for (;;) {
        switch ((enum operation)*code++) {
        case PUSH: *++top = *code++; break;
        case LOAD: *++top = variables[*code++]; break;
        case STORE: variables[*code++] = *top--; break;
        case ADD: top--, top[0] += top[1]; break;
        case SUBTRACT: top--, top[0] -= top[1]; break;
        case MULTIPLY: top--, top[0] *= top[1]; break;
        case XOR: top--, top[0] ^= top[1]; break;
        case AND: top--, top[0] &= top[1]; break;
        case SHIFT_RIGHT: top--, top[0] >>= top[1] & 31; break;
        case DUPLICATE: top++, top[0] = top[-1]; break;
        case JUMP_IF:
            target = *code++;
            if (*top--)
                code = program + target;
            break;
        case HALT: return *top;
        }
    }
}

/* --- the state machine ------------------------------------------------------------------------------------------ */
enum state { START, SIGN, INTEGER, FRACTION, EXPONENT, EXPONENT_SIGN, POWER, INVALID, STATES };

static const char *const texts[16] = {
    "8080", "-1", "+65536", "740", "3.14159", "-.5", "0.125", "+603.0",
    "6.022e+23", "1.6e-19", "-9.1E-31", "2.e+9", "0x7400", "1..2", "e+5", "12e5",
};

static u32 visits[STATES];

static inline enum state after(enum state state, char c)
{
    int digit = c >= '0' && c <= '9';
    switch (state) {
    case START:
        if (c == '+' || c == '-')
            return SIGN;
        /* fall through */
    case SIGN: return digit ? INTEGER : c == '.' ? FRACTION : INVALID;
    case INTEGER: return digit ? INTEGER : c == '.' ? FRACTION : INVALID;
    case FRACTION: return digit ? FRACTION : c == 'e' || c == 'E' ? EXPONENT : INVALID;
    case EXPONENT: return c == '+' || c == '-' ? EXPONENT_SIGN : INVALID;
    case EXPONENT_SIGN:
    case POWER: return digit ? POWER : INVALID;
    default: return INVALID;
    }
}

static WORK enum state scan(const char *text)
{
    enum state state = START;
    for (; *text && state != INVALID; text++) {
        state = after(state, *text);
        visits[state]++;
    }
    return state;
}

/* --- the list --------------------------------------------------------------------------------------------------- */
struct node {
    struct node *next;
    s16 value, index;
};

static struct node nodes[64];

static WORK u32 list(u32 seed)
{
    struct node *head = 0, *reversed = 0;
    s32 sum = 0;
    for (u32 i = 0; i < ELEMENTS(nodes); i++) {
        nodes[i] = (struct node){ head, (s16)(seed * i * 2654435761u >> 16), (s16)i };
        head = &nodes[i];
    }
    while (head) {
        struct node *next = head->next;
        head->next = reversed;
        reversed = head;
        head = next;
    }
    for (const struct node *node = reversed; node; node = node->next)
        sum += node->value > 0 ? node->value : -node->index;
    return (u32)sum;
}

u32 workload(u32 repetitions)
{
    u32 sum = 7;
    for (u32 done = 0; done < repetitions; done++) {
        sum = sum * 31 + run(program);
        for (u32 i = 0; i < ELEMENTS(texts); i++)
            sum = sum * 5 + scan(texts[(i + sum) % ELEMENTS(texts)]);
        sum ^= list(sum | 1);
        for (u32 i = 0; i < STATES; i++)
            sum += visits[i] * i;
        sum += sum / ((done & 7) + 3) + (u32)((s32)sum % (s32)(done + 2));
    }
    return sum;
}
