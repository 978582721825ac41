#include "d2v/base/check.h"
#include "d2v/model/data2vec2.h"

namespace d2v {

std::unique_ptr<Objective> make_objective(const Config& config, Precision precision) {
  switch (config.model.objective) {
    case ObjectiveKind::data2vec2:
      return std::make_unique<Data2Vec2>(config, precision);
    case ObjectiveKind::data2vec1:
    case ObjectiveKind::mae:
      break;
  }
  fail<UsageError>("model.objective = {} is not there yet: expected data2vec2",
                   name_of(config.model.objective));
}

}  // namespace d2v
