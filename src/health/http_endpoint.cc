#include "health/http_endpoint.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace holdfast::health {
namespace {

constexpr unsigned kConnectionsMax = 64;
constexpr unsigned kIdleSeconds = 15;

bool fill_address(std::string const& text, uint16_t port, sockaddr_storage& storage) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    return true;
  }
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) != 1) return false;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  return true;
}

}  // namespace

class HttpEndpoint::Impl {
 public:
  explicit Impl(Handler handler) : handler_(std::move(handler)) {}
  ~Impl() {
    if (daemon_) MHD_stop_daemon(daemon_);
  }

  bool listen(sockaddr_storage const& address) {
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO;
    if (address.ss_family == AF_INET6) flags |= MHD_USE_IPv6;
    daemon_ = MHD_start_daemon(flags, 0, nullptr, nullptr, &answer, this, MHD_OPTION_SOCK_ADDR, &address,
                               MHD_OPTION_CONNECTION_LIMIT, kConnectionsMax, MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds,
                               MHD_OPTION_END);
    return daemon_ != nullptr;
  }

 private:
  static MHD_Result answer(void* self, MHD_Connection* connection, char const* path, char const* method, char const*, char const*,
                           size_t*, void**) {
    bool const reads = std::strcmp(method, MHD_HTTP_METHOD_GET) == 0 || std::strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    HttpAnswer const answer = reads ? static_cast<Impl*>(self)->handler_(path)
                                    : HttpAnswer{MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "GET and HEAD only\n"};
    MHD_Response* response = MHD_create_response_from_buffer(answer.body.size(), const_cast<char*>(answer.body.data()),
                                                             MHD_RESPMEM_MUST_COPY);
    if (!response) return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.content_type.c_str());
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (!reads) MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    MHD_Result const queued = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);
    return queued;
  }

  Handler handler_;
  MHD_Daemon* daemon_ = nullptr;
};

HttpEndpoint::HttpEndpoint() = default;
HttpEndpoint::~HttpEndpoint() = default;

Status HttpEndpoint::start(std::string const& address, uint16_t port, Handler handler) {
  sockaddr_storage storage{};
  if (!fill_address(address, port, storage)) return fail("admin-bind '" + address + "' is no IPv4 or IPv6 address");
  auto impl = std::make_unique<Impl>(std::move(handler));
  errno = 0;
  if (!impl->listen(storage)) {
    return fail("cannot listen on admin-port " + std::to_string(port) + " of " + address + ": " +
                std::strerror(errno ? errno : EADDRINUSE));
  }
  impl_ = std::move(impl);
  return {};
}

void HttpEndpoint::stop() { impl_.reset(); }

}  // namespace holdfast::health
