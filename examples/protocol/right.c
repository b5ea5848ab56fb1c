/* Right: loss and gradient of a tanh network with an identity output,
   E = (1/2m) Σ (a - t)² + (lambda/2m) Σ W², weights out×in, a sample a row.

   params and grads hold W1 b1 W2 b2 …, sizes the widths from the inputs on. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

double gradient(const double *params, const double *x, const double *t, double lambda, double *grads,
                const int *sizes, int layers, int m)
{
    int units = sizes[0], count = 0;
    for (int l = 1; l <= layers; l++) {
        units += sizes[l];
        count += sizes[l] * (sizes[l - 1] + 1);
    }
    double *activations = malloc(units * sizeof *activations);
    double *deltas = malloc(units * sizeof *deltas);
    double loss = 0;
    memset(grads, 0, count * sizeof *grads);

    for (int c = 0; c < m; c++) {
        double *a = activations, *delta = deltas + units - sizes[layers];
        const double *W = params;
        memcpy(a, x + c * sizes[0], sizes[0] * sizeof *a);
        for (int l = 1; l <= layers; l++) {
            int n = sizes[l - 1], k = sizes[l];
            const double *b = W + k * n;
            double *next = a + n;
            for (int i = 0; i < k; i++) {
                double z = b[i];
                for (int j = 0; j < n; j++)
                    z += W[i * n + j] * a[j];
                next[i] = l < layers ? tanh(z) : z;
            }
            W = b + k;
            a = next;
        }
        for (int i = 0; i < sizes[layers]; i++) {
            double error = a[i] - t[c * sizes[layers] + i];
            loss += error * error / (2 * m);
            delta[i] = error / m;
        }
        double *dW = grads + count;
        for (int l = layers; l >= 1; l--) {
            int n = sizes[l - 1], k = sizes[l];
            W -= k * (n + 1);
            dW -= k * (n + 1);
            a -= n;
            for (int i = 0; i < k; i++) {
                for (int j = 0; j < n; j++)
                    dW[i * n + j] += delta[i] * a[j];
                dW[k * n + i] += delta[i];
            }
            for (int j = 0; j < n && l > 1; j++) {
                double sum = 0;
                for (int i = 0; i < k; i++)
                    sum += W[i * n + j] * delta[i];
                (delta - n)[j] = sum * (1 - a[j] * a[j]);
            }
            delta -= n;
        }
    }
    const double *W = params;
    double *dW = grads;
    for (int l = 1; l <= layers; l++) {
        int entries = sizes[l] * sizes[l - 1];
        for (int e = 0; e < entries; e++) {
            loss += lambda / (2 * m) * W[e] * W[e];
            dW[e] += lambda / m * W[e];
        }
        W += entries + sizes[l];
        dW += entries + sizes[l];
    }
    free(activations);
    free(deltas);
    return loss;
}
