/*
 * What a gateway on libkrb5 does from cold: for each name on standard input a ticket to ourselves on their behalf
 * (S4U2Self) and with it a token for the backend (S4U2Proxy), in one process.
 * usage: delegate BACKEND   with KRB5_CONFIG, KRB5_CLIENT_KTNAME and KRB5CCNAME=MEMORY:…; prints the number and seconds
 */
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void check(OM_uint32 major, OM_uint32 minor, const char *what) {
  OM_uint32 more = 0, ignored;
  gss_buffer_desc text;
  if (!GSS_ERROR(major)) return;
  gss_display_status(&ignored, minor, GSS_C_MECH_CODE, (gss_OID)gss_mech_krb5, &more, &text);
  fprintf(stderr, "%s: %.*s\n", what, (int)text.length, (char *)text.value);
  exit(1);
}

static gss_name_t name_of(const char *text, gss_OID type) {
  OM_uint32 major, minor;
  gss_name_t name;
  gss_buffer_desc buffer = {strlen(text), (void *)text};
  major = gss_import_name(&minor, &buffer, type, &name);
  check(major, minor, text);
  return name;
}

int main(int count, char **arguments) {
  static char lines[4096][128];
  OM_uint32 major, minor;
  gss_OID_set_desc mechanisms = {1, (gss_OID)gss_mech_krb5};
  gss_cred_id_t own;
  gss_name_t backend;
  struct timespec begun, ended;
  int people = 0, i;
  if (count != 2) return 2;
  while (people < 4096 && fgets(lines[people], sizeof lines[people], stdin)) {
    lines[people][strcspn(lines[people], "\n")] = 0;
    people++;
  }
  major = gss_acquire_cred(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechanisms, GSS_C_INITIATE, &own, NULL, NULL);
  check(major, minor, "own credential");
  backend = name_of(arguments[1], (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME);
  clock_gettime(CLOCK_MONOTONIC, &begun);
  for (i = 0; i < people; i++) {
    gss_name_t user = name_of(lines[i], GSS_C_NT_USER_NAME);
    gss_cred_id_t impersonated = GSS_C_NO_CREDENTIAL;
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
    major = gss_acquire_cred_impersonate_name(&minor, own, user, GSS_C_INDEFINITE, &mechanisms, GSS_C_INITIATE,
                                              &impersonated, NULL, NULL);
    check(major, minor, "S4U2Self");
    major = gss_init_sec_context(&minor, impersonated, &context, backend, (gss_OID)gss_mech_krb5, GSS_C_MUTUAL_FLAG, 0,
                                 GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER, NULL, &token, NULL, NULL);
    check(major, minor, "S4U2Proxy");
    gss_release_buffer(&minor, &token);
    gss_delete_sec_context(&minor, &context, NULL);
    gss_release_cred(&minor, &impersonated);
    gss_release_name(&minor, &user);
  }
  clock_gettime(CLOCK_MONOTONIC, &ended);
  printf("%d %f\n", people, (ended.tv_sec - begun.tv_sec) + (ended.tv_nsec - begun.tv_nsec) / 1e9);
  return 0;
}
