#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"

namespace holdfast::health {

/// What is answered over HTTP.
struct HttpAnswer {
  unsigned status = 200;
  std::string content_type;
  std::string body;
};

/// A small HTTP server (libmicrohttpd) on a thread of its own: it answers when all workers are stuck. GET and HEAD.
class HttpEndpoint {
 public:
  /// Called on the endpoint's thread with the path.
  using Handler = std::function<HttpAnswer(std::string const& path)>;

  HttpEndpoint();
  ~HttpEndpoint();
  HttpEndpoint(HttpEndpoint const&) = delete;
  HttpEndpoint& operator=(HttpEndpoint const&) = delete;

  /// Listens on a numeric IPv4 or IPv6 address. Fails with what was wrong.
  Status start(std::string const& address, uint16_t port, Handler handler);
  /// Ends the thread; idempotent.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::health
