/* A CGI program in C: says what it was asked, and counts its visits in /data if it may. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *env(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

int main(int count, char **words) {
  if (!strcmp(env("QUERY_STRING"), "away")) {
    printf("location: https://example.com/\n\n");
    return 0;
  }
  const char *status = !strcmp(env("QUERY_STRING"), "missing") ? "404 Not Found" : "200 OK";
  printf("Status: %s\nContent-Type: text/plain\nX-Made-By: C\n\n", status);
  printf("hello from C\n%s %s\nquery: %s\nargs:", env("REQUEST_METHOD"), env("PATH_INFO"),
         env("QUERY_STRING"));
  for (int i = 1; i < count; i++)
    printf(" %s", words[i]);
  printf("\nbody: ");
  for (int byte; (byte = getchar()) != EOF;)
    putchar(byte);
  long visits = 0;
  FILE *file = fopen("/data/visits", "r");
  if (file) {
    if (fscanf(file, "%ld", &visits) != 1)
      visits = 0;
    fclose(file);
  }
  file = fopen("/data/visits", "w");
  if (file) {
    fprintf(file, "%ld", visits + 1);
    fclose(file);
    printf("\nvisits: %ld", visits + 1);
  }
  printf("\n");
  return 0;
}
