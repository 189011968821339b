#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/result.h"

struct ssl_ctx_st;

namespace holdfast {

/// What the `tls-*` directives say. Names of files; empty: not given.
struct TlsSettings {
  std::string cert_file;
  std::string key_file;
  std::string key_file_pass;
  /// Shown to servers that we connect to; used when both are given, else those above are.
  std::string client_cert_file;
  std::string client_key_file;
  std::string client_key_file_pass;
  std::string dh_params_file;
  std::string ca_cert_file;
  std::string ca_cert_dir;
  /// Words out of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3; empty: the last two.
  std::string protocols;
  std::string ciphers;
  std::string ciphersuites;
  /// Somebody's certificate is looked at: there must be somebody to trust.
  bool checks_peers = true;
  bool prefer_server_ciphers = false;
  bool session_caching = true;
  int64_t session_cache_size = 20480;
  int64_t session_cache_timeout_s = 300;
};

/// Certificates, keys and rules of TLS as they were at one moment, for both directions. Unchangeable: safe from any thread.
/// Connections keep the one that they began with.
class TlsContext {
 public:
  /// Reads all files. The message of a failure is the line for the log.
  static Result<std::shared_ptr<TlsContext const>> make(TlsSettings const& settings);

  /// For connections that we accept / make.
  ssl_ctx_st* accepting() const { return accepting_.get(); }
  ssl_ctx_st* connecting() const { return connecting_ ? connecting_.get() : accepting_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  using Handle = std::unique_ptr<ssl_ctx_st, Free>;

  TlsContext(Handle accepting, Handle connecting) : accepting_(std::move(accepting)), connecting_(std::move(connecting)) {}
  static Result<Handle> load(TlsSettings const& settings, std::string const& cert_file, std::string const& key_file,
                             std::string const& key_pass, uint64_t forbidden);

  Handle accepting_;
  Handle connecting_;
};

/// The context that new connections begin with. Safe from any thread.
class TlsContexts {
 public:
  /// Takes the place of the current one only when everything was read; what the failure says is for the log.
  Status renew(TlsSettings const& settings) EXCLUDES(mutex_);
  /// Null before the first.
  std::shared_ptr<TlsContext const> current() const EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  std::shared_ptr<TlsContext const> current_ GUARDED_BY(mutex_);
};

}  // namespace holdfast
