#include "report.h"

static void print_string(FILE *out, const char *text);

int report_error(FILE *out, const char *version, enum cni_code code, const char *message,
                 const char *details) {
  fputs("{\"cniVersion\":", out);
  print_string(out, version);
  fprintf(out, ",\"code\":%d,\"msg\":", (int)code);
  print_string(out, message);
  fputs(",\"details\":", out);
  print_string(out, details);
  fputs("}\n", out);
  return 1;
}

/*
 * Bytes outside ASCII are printed as if they were Latin-1: what is echoed comes from an environment
 * that need not be UTF-8, and JSON has to be.
 */
static void print_string(FILE *out, const char *text) {
  putc('"', out);
  for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\')
      fprintf(out, "\\%c", *c);
    else if (*c < 0x20 || *c >= 0x7f)
      fprintf(out, "\\u%04x", *c);
    else
      putc(*c, out);
  }
  putc('"', out);
}
