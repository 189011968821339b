#include "net/tls_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/strings.h"
#include "net/tls_error.h"

namespace holdfast {
namespace {

/// What SSL_CTX_set_options has to forbid so that only the named protocols are left; none: a word is not known. One blank
/// between two words, as in Redis.
std::optional<uint64_t> forbidden_protocols(std::string_view protocols) {
  struct Known {
    std::string_view name;
    uint64_t no;
  };
  constexpr Known kKnown[] = {
      {"tlsv1", SSL_OP_NO_TLSv1}, {"tlsv1.1", SSL_OP_NO_TLSv1_1}, {"tlsv1.2", SSL_OP_NO_TLSv1_2}, {"tlsv1.3", SSL_OP_NO_TLSv1_3}};
  if (protocols.empty()) return SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1;
  uint64_t forbidden = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3;
  while (true) {
    size_t const end = protocols.find(' ');
    std::string_view const word = protocols.substr(0, end);
    auto const* known = std::ranges::find_if(kKnown, [word](Known const& each) { return iequals(each.name, word); });
    if (known == std::end(kKnown)) return std::nullopt;
    forbidden &= ~known->no;
    if (end == std::string_view::npos) return forbidden;
    protocols.remove_prefix(end + 1);
  }
}

/// Gives the passphrase that was configured; never asks at the terminal.
int give_passphrase(char* to, int room, int, void* configured) {
  auto const* passphrase = static_cast<std::string const*>(configured);
  if (passphrase->empty() || room < static_cast<int>(passphrase->size())) return -1;
  std::memcpy(to, passphrase->data(), passphrase->size());
  return static_cast<int>(passphrase->size());
}

Status set_dh_parameters(SSL_CTX* context, std::string const& path) {
  if (path.empty()) {
    SSL_CTX_set_dh_auto(context, 1);
    return {};
  }
  std::unique_ptr<FILE, decltype([](FILE* file) { std::fclose(file); })> const file(std::fopen(path.c_str(), "re"));
  if (!file) return fail("Failed to load " + path + ": " + std::strerror(errno));
  std::unique_ptr<BIO, decltype([](BIO* bio) { BIO_free(bio); })> const bio(BIO_new_fp(file.get(), BIO_NOCLOSE));
  EVP_PKEY* parameters = PEM_read_bio_Parameters(bio.get(), nullptr);
  if (!parameters) {
    ERR_clear_error();
    return fail(path + ": failed to read DH params.");
  }
  if (SSL_CTX_set0_tmp_dh_pkey(context, parameters) == 1) return {};
  std::string const why = tls_error_text();
  EVP_PKEY_free(parameters);
  return fail("Failed to load DH params file: " + path + ": " + why);
}

void set_sessions(SSL_CTX* context, TlsSettings const& settings) {
  if (!settings.session_caching) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
  SSL_CTX_sess_set_cache_size(context, settings.session_cache_size);
  SSL_CTX_set_timeout(context, settings.session_cache_timeout_s);
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Result<TlsContext::Handle> TlsContext::load(TlsSettings const& settings, std::string const& cert_file,
                                            std::string const& key_file, std::string const& key_pass, uint64_t forbidden) {
  Handle context(SSL_CTX_new(TLS_method()));
  if (!context) return fail("Failed to create a TLS context: " + tls_error_text());
  SSL_CTX_set_options(context.get(), SSL_OP_NO_SSLv2 | SSL_OP_NO_SSLv3 | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                         SSL_OP_SINGLE_DH_USE | forbidden);
  // An idle connection keeps no buffer of 16 KiB for each direction; one read takes all that has come.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_default_passwd_cb(context.get(), &give_passphrase);
  SSL_CTX_set_default_passwd_cb_userdata(context.get(), const_cast<std::string*>(&key_pass));
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context.get(), cert_file.c_str()) <= 0) {
    return fail("Failed to load certificate: " + cert_file + ": " + tls_error_text());
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) <= 0) {
    return fail("Failed to load private key: " + key_file + ": " + tls_error_text());
  }
  SSL_CTX_set_default_passwd_cb(context.get(), nullptr);
  SSL_CTX_set_default_passwd_cb_userdata(context.get(), nullptr);
  auto const path = [](std::string const& text) { return text.empty() ? nullptr : text.c_str(); };
  bool const trusts = !settings.ca_cert_file.empty() || !settings.ca_cert_dir.empty();
  if (trusts && SSL_CTX_load_verify_locations(context.get(), path(settings.ca_cert_file), path(settings.ca_cert_dir)) <= 0) {
    return fail("Failed to configure CA certificate(s) file/directory: " + tls_error_text());
  }
  if (!settings.ciphers.empty() && SSL_CTX_set_cipher_list(context.get(), settings.ciphers.c_str()) != 1) {
    ERR_clear_error();
    return fail("Failed to configure ciphers: " + settings.ciphers);
  }
  if (!settings.ciphersuites.empty() && SSL_CTX_set_ciphersuites(context.get(), settings.ciphersuites.c_str()) != 1) {
    ERR_clear_error();
    return fail("Failed to configure ciphersuites: " + settings.ciphersuites);
  }
  return context;
}

Result<std::shared_ptr<TlsContext const>> TlsContext::make(TlsSettings const& settings) {
  if (settings.cert_file.empty()) return fail("No tls-cert-file configured!");
  if (settings.key_file.empty()) return fail("No tls-key-file configured!");
  if (settings.checks_peers && settings.ca_cert_file.empty() && settings.ca_cert_dir.empty()) {
    return fail(
        "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or tls-auth-clients "
        "are enabled!");
  }
  auto const forbidden = forbidden_protocols(settings.protocols);
  if (!forbidden) {
    return fail("Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.");
  }
  auto accepting = load(settings, settings.cert_file, settings.key_file, settings.key_file_pass, *forbidden);
  if (!accepting) return std::unexpected(accepting.error());
  set_sessions(accepting->get(), settings);
  if (settings.prefer_server_ciphers) SSL_CTX_set_options(accepting->get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  if (Status set = set_dh_parameters(accepting->get(), settings.dh_params_file); !set) return std::unexpected(set.error());
  Handle connecting;
  if (!settings.client_cert_file.empty() && !settings.client_key_file.empty()) {
    auto loaded = load(settings, settings.client_cert_file, settings.client_key_file, settings.client_key_file_pass, *forbidden);
    if (!loaded) return std::unexpected(loaded.error());
    connecting = std::move(*loaded);
  }
  return std::shared_ptr<TlsContext const>(new TlsContext(std::move(*accepting), std::move(connecting)));
}

Status TlsContexts::renew(TlsSettings const& settings) {
  auto made = TlsContext::make(settings);
  if (!made) return std::unexpected(made.error());
  MutexLock lock(mutex_);
  current_.swap(*made);  // the old one is freed after the lock, if nobody uses it
  return {};
}

std::shared_ptr<TlsContext const> TlsContexts::current() const {
  MutexLock lock(mutex_);
  return current_;
}

}  // namespace holdfast
