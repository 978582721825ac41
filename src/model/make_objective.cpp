#include "d2v/base/check.h"
#include "d2v/model/data2vec1.h"
#include "d2v/model/data2vec2.h"
#include "d2v/model/mae.h"

namespace d2v {

std::unique_ptr<Objective> make_objective(const Config& config, Precision precision) {
  switch (config.model.objective) {
    case ObjectiveKind::data2vec2:
      return std::make_unique<Data2Vec2>(config, precision);
    case ObjectiveKind::data2vec1:
      return std::make_unique<Data2Vec1>(config, precision);
    case ObjectiveKind::mae:
      return std::make_unique<Mae>(config, precision);
  }
  fail("no such objective");
}

ParameterLayout objective_layout(const Config& config) {
  switch (config.model.objective) {
    case ObjectiveKind::data2vec2:
      return ParameterLayout(Data2Vec2::declare(config));
    case ObjectiveKind::data2vec1:
      return ParameterLayout(Data2Vec1::declare(config));
    case ObjectiveKind::mae:
      return ParameterLayout(Mae::declare(config));
  }
  fail("no such objective");
}

}  // namespace d2v
