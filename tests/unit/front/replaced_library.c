/* replaced_library.c - a library whose function a program may replace; built once per KIND. */
/* SPDX-License-Identifier: MIT */
#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)

int JOIN(KIND, _answer)(void);
int JOIN(KIND, _ask)(void);

int JOIN(KIND, _answer)(void)
{
    return 1;
}

int JOIN(KIND, _ask)(void)
{
    return JOIN(KIND, _answer)();
}
