// The operations of a training step that are not matrix products, each in one
// pass over memory (PyTorch's eager ones take four to ten passes, and that was
// most of a step). Matrix products stay with PyTorch, which has AMX for them.
// bf16 activations come and go as uint16_t; arithmetic is float.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint16_t bf16;
typedef float v16 __attribute__((vector_size(64), aligned(4)));

static inline float up(bf16 x) { union { uint32_t u; float f; } b = {(uint32_t)x << 16}; return b.f; }
static inline bf16 down(float x) {
    union { float f; uint32_t u; } b = {x};
    return (bf16)((b.u + 0x7fff + ((b.u >> 16) & 1)) >> 16);
}

// c[m][n] = (or +=) sum over k of a(m, k) * b[k][n]; a(m, k) = a[m * am + k * ak].
// m is a multiple of 8, n of 32.
static void product(int m, int n, int k, const float *a, int am, int ak, const float *b, int ldb,
                    float *c, int ldc, int add) {
    for (int j = 0; j < n; j += 32)
        for (int i = 0; i < m; i += 8) {
            v16 s[8][2];
            for (int r = 0; r < 8; r++)
                for (int h = 0; h < 2; h++)
                    s[r][h] = add ? *(v16 *)(c + (i + r) * ldc + j + 16 * h) : (v16){0};
            for (int p = 0; p < k; p++) {
                v16 b0 = *(const v16 *)(b + p * ldb + j), b1 = *(const v16 *)(b + p * ldb + j + 16);
                #pragma GCC unroll 8
                for (int r = 0; r < 8; r++) {
                    float x = a[(i + r) * am + p * ak];
                    s[r][0] += x * b0;
                    s[r][1] += x * b1;
                }
            }
            for (int r = 0; r < 8; r++)
                for (int h = 0; h < 2; h++)
                    *(v16 *)(c + (i + r) * ldc + j + 16 * h) = s[r][h];
        }
}

// out[t][d] = rotated in[t][d] * scale; pairs are (d, d + head / 2). sign -1 turns back.
static void load_rotated(int time, int head, int stride, const bf16 *in, const float *cosine, const float *sine,
                         float scale, float *out) {
    int half = head / 2;
    for (int t = 0; t < time; t++)
        for (int d = 0; d < half; d++) {
            float a = up(in[t * stride + d]), b = up(in[t * stride + d + half]);
            float c = cosine[t * half + d], s = sine[t * half + d];
            out[t * head + d] = (a * c - b * s) * scale;
            out[t * head + d + half] = (a * s + b * c) * scale;
        }
}

static void store_unrotated(int time, int head, int stride, const float *in, const float *cosine, const float *sine,
                            float scale, bf16 *out) {
    int half = head / 2;
    for (int t = 0; t < time; t++)
        for (int d = 0; d < half; d++) {
            float a = in[t * head + d] * scale, b = in[t * head + d + half] * scale;
            float c = cosine[t * half + d], s = sine[t * half + d];
            out[t * stride + d] = down(a * c + b * s);
            out[t * stride + d + half] = down(b * c - a * s);
        }
}

static void load(int time, int head, int stride, const bf16 *in, float *out) {
    for (int t = 0; t < time; t++)
        for (int d = 0; d < head; d++) out[t * head + d] = up(in[t * stride + d]);
}

static void transpose(int rows, int columns, const float *in, float *out, int ldo) {
    for (int i = 0; i < rows; i += 16)
        for (int j = 0; j < columns; j++)
            for (int r = i; r < i + 16; r++) out[j * ldo + r] = in[r * columns + j];
}

// Rows hold several documents, and a token sees only its own: first[t] is where the document of token t begins.
// A block of 32 queries needs the keys from its first document's begin (rounded down to 32) to its own end.
static int first_key(const int32_t *first, int t0) { return first[t0] & ~31; }

// Rows of the score matrix are padded, so that they do not all fall into the same cache set.
static int padded(int time) { return time + 16; }

// p[r][j] = softmax of the scores of query t0 + r with key k0 + j.
static void weights(int time, int head, int t0, const int32_t *first, const float *q, const float *kt, float *p) {
    int k0 = first_key(first, t0), keys = t0 + 32 - k0, ld = padded(time);
    product(32, keys, head, q + t0 * head, head, 1, kt + k0, ld, p, ld, 0);
    for (int r = 0; r < 32; r++) {
        float *row = p + (long)r * ld, top = -1e30f, sum = 0;
        int from = first[t0 + r] - k0, to = t0 + r + 1 - k0;
        for (int j = 0; j < from; j++) row[j] = 0;
        for (int j = from; j < to; j++) top = row[j] > top ? row[j] : top;
        for (int j = from; j < to; j++) { row[j] = expf(row[j] - top); sum += row[j]; }
        float scale = 1 / sum;
        for (int j = from; j < to; j++) row[j] *= scale;
        for (int j = to; j < keys; j++) row[j] = 0;
    }
}

// qkv: (batch, time, 3 * heads * head); out: (batch, time, heads * head). time is a multiple of 32.
void attention_forward(int batch, int time, int heads, int head, const bf16 *qkv, const int32_t *firsts,
                       const float *cosine, const float *sine, bf16 *out) {
    int dim = heads * head, ld = padded(time);
    size_t n = (size_t)time * head;
    float *q = malloc((3 * n + (size_t)head * ld + 32 * ld + 32 * head) * 4), *k = q + n, *v = k + n, *kt = v + n;
    float *p = kt + head * ld, *o = p + 32 * ld;
    for (int b = 0; b < batch; b++)
        for (int h = 0; h < heads; h++) {
            const bf16 *in = qkv + (size_t)b * time * 3 * dim + h * head;
            const int32_t *first = firsts + (size_t)b * time;
            load_rotated(time, head, 3 * dim, in, cosine, sine, 1 / sqrtf(head), q);
            load_rotated(time, head, 3 * dim, in + dim, cosine, sine, 1, k);
            load(time, head, 3 * dim, in + 2 * dim, v);
            transpose(time, head, k, kt, ld);
            for (int t0 = 0; t0 < time; t0 += 32) {
                int k0 = first_key(first, t0);
                weights(time, head, t0, first, q, kt, p);
                product(32, head, t0 + 32 - k0, p, ld, 1, v + k0 * head, head, o, head, 0);
                for (int r = 0; r < 32; r++)
                    for (int d = 0; d < head; d++)
                        out[((size_t)b * time + t0 + r) * dim + h * head + d] = down(o[r * head + d]);
            }
        }
    free(q);
}

void attention_backward(int batch, int time, int heads, int head, const bf16 *qkv, const int32_t *firsts,
                        const float *cosine, const float *sine, const bf16 *out_grad, bf16 *qkv_grad) {
    int dim = heads * head, ld = padded(time);
    size_t n = (size_t)time * head;
    float *q = malloc((7 * n + (size_t)2 * head * ld + 64 * ld) * 4), *k = q + n, *v = k + n, *g = v + n;
    float *dq = g + n, *dk = dq + n, *dv = dk + n, *kt = dv + n, *vt = kt + head * ld, *p = vt + head * ld;
    float *dp = p + 32 * ld;
    for (int b = 0; b < batch; b++)
        for (int h = 0; h < heads; h++) {
            size_t at = (size_t)b * time * 3 * dim + h * head;
            const int32_t *first = firsts + (size_t)b * time;
            load_rotated(time, head, 3 * dim, qkv + at, cosine, sine, 1 / sqrtf(head), q);
            load_rotated(time, head, 3 * dim, qkv + at + dim, cosine, sine, 1, k);
            load(time, head, 3 * dim, qkv + at + 2 * dim, v);
            load(time, head, dim, out_grad + (size_t)b * time * dim + h * head, g);
            transpose(time, head, k, kt, ld);
            transpose(time, head, v, vt, ld);
            memset(dk, 0, 2 * n * sizeof(float));
            for (int t0 = 0; t0 < time; t0 += 32) {
                int k0 = first_key(first, t0), keys = t0 + 32 - k0;
                weights(time, head, t0, first, q, kt, p);
                product(32, keys, head, g + t0 * head, head, 1, vt + k0, ld, dp, ld, 0);
                product(keys, head, 32, p, 1, ld, g + t0 * head, head, dv + k0 * head, head, 1);
                for (int r = 0; r < 32; r++) {
                    float *pr = p + (long)r * ld, *dr = dp + (long)r * ld, dot = 0;
                    for (int j = 0; j < keys; j++) dot += pr[j] * dr[j];
                    for (int j = 0; j < keys; j++) dr[j] = pr[j] * (dr[j] - dot);
                }
                product(32, head, keys, dp, ld, 1, k + k0 * head, head, dq + t0 * head, head, 0);
                product(keys, head, 32, dp, 1, ld, q + t0 * head, head, dk + k0 * head, head, 1);
            }
            store_unrotated(time, head, 3 * dim, dq, cosine, sine, 1 / sqrtf(head), qkv_grad + at);
            store_unrotated(time, head, 3 * dim, dk, cosine, sine, 1, qkv_grad + at + dim);
            for (int t = 0; t < time; t++)
                for (int d = 0; d < head; d++) qkv_grad[at + 2 * dim + (size_t)t * 3 * dim + d] = down(dv[t * head + d]);
        }
    free(q);
}

// sum = x + branch (branch may be null); y = rms norm of sum, times weight.
void norm_forward(int rows, int dim, const float *x, const bf16 *branch, const float *weight, float *sum, bf16 *y) {
    for (int i = 0; i < rows; i++) {
        const float *xr = x + (size_t)i * dim;
        float *s = sum + (size_t)i * dim, square = 0;
        for (int d = 0; d < dim; d++) {
            s[d] = xr[d] + (branch ? up(branch[(size_t)i * dim + d]) : 0);
            square += s[d] * s[d];
        }
        float r = 1 / sqrtf(square / dim + 1e-5f);
        for (int d = 0; d < dim; d++) y[(size_t)i * dim + d] = down(s[d] * r * weight[d]);
    }
}

// x_grad comes in as the gradient of sum and gets that of the norm added; branch_grad is its bf16 copy.
void norm_backward(int rows, int dim, const float *sum, const float *weight, const bf16 *y_grad, float *x_grad,
                   bf16 *branch_grad, float *weight_grad) {
    for (int i = 0; i < rows; i++) {
        const float *s = sum + (size_t)i * dim;
        const bf16 *g = y_grad + (size_t)i * dim;
        float *xg = x_grad + (size_t)i * dim, square = 0, dot = 0;
        for (int d = 0; d < dim; d++) {
            square += s[d] * s[d];
            dot += s[d] * weight[d] * up(g[d]);
        }
        float r = 1 / sqrtf(square / dim + 1e-5f), c = dot * r * r / dim;
        for (int d = 0; d < dim; d++) {
            float gd = up(g[d]);
            weight_grad[d] += gd * s[d] * r;
            xg[d] += r * (weight[d] * gd - s[d] * c);
            branch_grad[(size_t)i * dim + d] = down(xg[d]);
        }
    }
}

// in: (rows, 2 * hidden) is gate and up; out = silu(gate) * up.
void swiglu_forward(int rows, int hidden, const bf16 *in, bf16 *out) {
    for (int i = 0; i < rows; i++)
        for (int d = 0; d < hidden; d++) {
            float a = up(in[(size_t)i * 2 * hidden + d]), b = up(in[(size_t)i * 2 * hidden + hidden + d]);
            out[(size_t)i * hidden + d] = down(a / (1 + expf(-a)) * b);
        }
}

void swiglu_backward(int rows, int hidden, const bf16 *in, const bf16 *out_grad, bf16 *in_grad) {
    for (int i = 0; i < rows; i++)
        for (int d = 0; d < hidden; d++) {
            size_t at = (size_t)i * 2 * hidden + d;
            float a = up(in[at]), b = up(in[at + hidden]), g = up(out_grad[(size_t)i * hidden + d]);
            float s = 1 / (1 + expf(-a));
            in_grad[at] = down(g * b * s * (1 + a * (1 - s)));
            in_grad[at + hidden] = down(g * a * s);
        }
}

// Cross entropy, summed with weight weights[i]; logits become their own gradient.
double cross_entropy(int rows, int vocabulary, bf16 *logits, const int64_t *targets, const float *row_weights) {
    double loss = 0;
    float *e = malloc(vocabulary * sizeof(float));
    for (int i = 0; i < rows; i++) {
        bf16 *row = logits + (size_t)i * vocabulary;
        float top = -1e30f, sum = 0, target = up(row[targets[i]]), w = row_weights[i];
        for (int j = 0; j < vocabulary; j++) { float x = up(row[j]); top = x > top ? x : top; }
        for (int j = 0; j < vocabulary; j++) { e[j] = expf(up(row[j]) - top); sum += e[j]; }
        loss += w * (logf(sum) + top - target);
        for (int j = 0; j < vocabulary; j++) row[j] = down(e[j] * (w / sum));
        row[targets[i]] = down((e[targets[i]] / sum - 1) * w);
    }
    free(e);
    return loss;
}
