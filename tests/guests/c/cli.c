/* A command in C: counts lines and bytes of stdin, or of the file it is told. */
#include <stdio.h>
#include <string.h>

int main(int count, char **words) {
  FILE *in = count > 1 ? fopen(words[1], "rb") : stdin;
  if (!in) {
    perror(words[1]);
    return 2;
  }
  long lines = 0, bytes = 0;
  for (int byte; (byte = getc(in)) != EOF; bytes++)
    lines += byte == '\n';
  printf("%ld lines, %ld bytes\n", lines, bytes);
  return 0;
}
