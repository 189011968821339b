#pragma once

#include <memory>
#include <string>

#include "base/check.h"
#include "values/body.h"
#include "values/value_type.h"
#include "values/value_view.h"

namespace holdfast {

/// A collection while a command changes it. Opened by Txn::edit, written back by Txn::finish_edit.
///
/// Packed values are changed as a copy in `bytes`; a body is changed where it is. A packed value that has grown too big
/// becomes a body: set `made`, and the encoding with it (`become`).
struct ValueEdit {
  ValueType type = ValueType::kHash;
  Encoding encoding = Encoding::kPacked;
  std::string bytes;           ///< kPacked, kIntset, kSchema; empty when the key was not there
  bool names_changed = false;  ///< of a packed hash: fields have come or gone
  Body* body = nullptr;        ///< kBody
  size_t body_bytes = 0;       ///< of the body when it was opened
  bool body_expires = false;   ///< the body when it was opened had elements that expire
  bool unseen = false;         ///< WATCH and the caches of clients do not see the change
  std::unique_ptr<Body> made;  ///< a new body, not in the record yet

  bool in_body() const { return encoding == Encoding::kBody; }
  void become(std::unique_ptr<Body> new_body) {
    DCHECK(!in_body());
    made = std::move(new_body);
    body = made.get();
    encoding = Encoding::kBody;
    bytes.clear();
  }
  ValueView view() const { return {.type = type, .encoding = encoding, .bytes = bytes, .body = body}; }
};

}  // namespace holdfast
