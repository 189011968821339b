#include "pubsub/audience.h"

namespace holdfast {

void Audience::forget(Session& session) { pubsub.unsubscribe_all(session); }

}  // namespace holdfast
