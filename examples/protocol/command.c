/* Makes a command of the C function in right.c or wrong.c, which reads and writes words:

       cc -O2 command.c right.c -lm -o right && backproof … right

   It stays, and answers line by line, until its input ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double gradient(const double *params, const double *x, const double *t, double lambda, double *grads,
                const int *sizes, int layers, int m);

static int read_whole(void)
{
    int number;
    if (scanf("%d", &number) != 1)
        exit(1);
    return number;
}

int main(void)
{
    static double params[100000], grads[100000], inputs[10000], targets[10000], lambda;
    int sizes[100], layers = 0, m = 0, filled = 0;
    char name[100];

    while (scanf("%99s", name) == 1) {
        if (strcmp(name, "end") == 0) {
            double loss = gradient(params, inputs, targets, lambda, grads, sizes, layers, m);
            const double *grad = grads;
            printf("loss 0 %.17g", loss);
            for (int l = 1; l <= layers; l++) {
                printf(" W%d 2 %d %d", l, sizes[l], sizes[l - 1]);
                for (int e = 0; e < sizes[l] * sizes[l - 1]; e++)
                    printf(" %.17g", *grad++);
                printf(" b%d 1 %d", l, sizes[l]);
                for (int e = 0; e < sizes[l]; e++)
                    printf(" %.17g", *grad++);
            }
            printf(" end\n");
            fflush(stdout);
            layers = filled = 0;
            lambda = 0;
            continue;
        }
        int rank = read_whole(), shape[2] = {1, 1};
        if (rank > 2)
            return 1;
        for (int axis = 0; axis < rank; axis++)
            shape[axis] = read_whole();
        double *target = strcmp(name, "x") == 0     ? inputs
                         : strcmp(name, "t") == 0   ? targets
                         : strcmp(name, "lam") == 0 ? &lambda
                                                    : params + filled;
        if (*name == 'W') {
            sizes[layers] = shape[1];
            sizes[++layers] = shape[0];
        }
        if (*name == 'x')
            m = shape[0];
        if (*name == 'W' || *name == 'b')
            filled += shape[0] * shape[1];
        for (int e = 0; e < shape[0] * shape[1]; e++)
            if (scanf("%lf", &target[e]) != 1)
                return 1;
    }
    return 0;
}
