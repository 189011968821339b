#include "commands/sort_pattern.h"

#include "values/hash_value.h"

namespace holdfast {

SortPattern::SortPattern(std::string_view text) : is_element_(text == "#") {
  size_t const star = text.find('*');
  if (star == std::string_view::npos) return;
  names_keys_ = true;
  before_ = text.substr(0, star);
  behind_ = text.substr(star + 1);
  size_t const arrow = behind_.find("->");
  if (arrow == std::string_view::npos || arrow + 2 == behind_.size()) return;
  field_ = behind_.substr(arrow + 2);
  behind_ = behind_.substr(0, arrow);
}

std::optional<std::string> SortPattern::find(Txn& txn, std::string_view element) const {
  if (is_element_) return std::string(element);
  if (!names_keys_) return std::nullopt;
  std::string key;
  key.reserve(before_.size() + element.size() + behind_.size());
  key.append(before_).append(element).append(behind_);
  Record* record = txn.find(key);
  if (!record) return std::nullopt;
  if (!field_.empty()) {
    if (record->type() != ValueType::kHash) return std::nullopt;
    std::optional<HashValue> const value = HashReader(record->view()).find(field_);
    if (!value || (value->expire_ms && txn.expired(*value->expire_ms))) return std::nullopt;
    packed::TextScratch scratch;
    return std::string(value->element.as_text(scratch));
  }
  if (record->type() != ValueType::kString) return std::nullopt;
  IntegerText scratch;
  return std::string(record->text(scratch));
}

}  // namespace holdfast
