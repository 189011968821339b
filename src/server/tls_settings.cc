#include "server/tls_settings.h"

namespace holdfast {

using config::Directive;

bool uses_tls(config::Config const& config) {
  return config.integer(Directive::kTlsPort) != 0 || config.flag(Directive::kTlsReplication) || config.flag(Directive::kTlsCluster);
}

TlsSettings tls_settings(config::Config const& config) {
  bool const checks_clients = config.choice<config::TlsAuthClients>(Directive::kTlsAuthClients) != config::TlsAuthClients::kNo;
  return {.cert_file = config.text(Directive::kTlsCertFile),
          .key_file = config.text(Directive::kTlsKeyFile),
          .key_file_pass = config.text(Directive::kTlsKeyFilePass),
          .client_cert_file = config.text(Directive::kTlsClientCertFile),
          .client_key_file = config.text(Directive::kTlsClientKeyFile),
          .client_key_file_pass = config.text(Directive::kTlsClientKeyFilePass),
          .dh_params_file = config.text(Directive::kTlsDhParamsFile),
          .ca_cert_file = config.text(Directive::kTlsCaCertFile),
          .ca_cert_dir = config.text(Directive::kTlsCaCertDir),
          .protocols = config.text(Directive::kTlsProtocols),
          .ciphers = config.text(Directive::kTlsCiphers),
          .ciphersuites = config.text(Directive::kTlsCiphersuites),
          .checks_peers = checks_clients || config.flag(Directive::kTlsReplication) || config.flag(Directive::kTlsCluster),
          .prefer_server_ciphers = config.flag(Directive::kTlsPreferServerCiphers),
          .session_caching = config.flag(Directive::kTlsSessionCaching),
          .session_cache_size = config.integer(Directive::kTlsSessionCacheSize),
          .session_cache_timeout_s = config.integer(Directive::kTlsSessionCacheTimeout)};
}

}  // namespace holdfast
