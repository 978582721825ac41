#include "d2v/eval/embed.h"

#include <algorithm>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/eval/subprocess.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/tensor_file.h"
#include "d2v/pipeline/image_source.h"
#include "test_data.h"
#include "tiny_model.h"

#include "doctest.h"

using namespace d2v;

namespace {

struct Setting {
  explicit Setting(const std::string& name, const Config& config = test::tiny_config())
      : scratch("embed_" + name) {
    test::make_up_trained_run(run(), config);
    test::make_up_pictures(pictures(), 5);
  }
  std::filesystem::path run() const { return scratch.path / "run"; }
  std::filesystem::path pictures() const { return scratch.path / "pictures"; }
  std::filesystem::path file(const std::string& name) const { return scratch.path / name; }
  EmbedResult embed(LoadedModel& model, const EmbedSettings& settings) const {
    source = scan_images(pictures(), model.config->data);
    return embed_folder(model, source, settings);
  }
  test::ScratchFolder scratch;
  mutable ImageSource source;
};

}  // namespace

TEST_CASE("features are those of the network for the dumped input, and the ids name their rows") {
  const Setting s("values");
  LoadedModel model = load_model(s.run(), {});
  const EmbedResult result = s.embed(
      model,
      {.out = s.file("f.safetensors"), .dump_input = s.file("in.safetensors"), .command = "d2v embed"});
  CHECK(result.samples == 10);
  CHECK(result.shape == std::vector<int64_t>{10, 2 * 32});
  const at::Tensor features = read_tensors(s.file("f.safetensors")).at("features");
  const at::Tensor input = read_tensors(s.file("in.safetensors")).at("input");
  CHECK(input.sizes() == at::IntArrayRef({10, 3, 16, 16}));

  const Features blocks = model.objective->embed(input, Network::teacher);
  const at::Tensor expected =
      at::cat({blocks.layers[1].slice(1, 1).mean(1), blocks.layers[3].slice(1, 1).mean(1)}, 1);
  CHECK((features - expected).abs().max().item<float>() < 1e-5f);

  const std::string ids = read_file(s.file("f.tsv"), 1 << 20);
  CHECK(ids.starts_with("id\tpath\tclass\n"));
  CHECK(std::count(ids.begin(), ids.end(), '\n') == 11);
  CHECK(ids.find("\tblue/0.png\tblue\n") != std::string::npos);
  CHECK(ids.find("\tred/4.png\tred\n") != std::string::npos);
}

TEST_CASE("network, layer and tokens say what is written") {
  const Setting s("choices");
  LoadedModel model = load_model(s.run(), {});
  const auto values = [&](Network network, const std::string& layers, Pooling pooling) {
    s.embed(model,
            {.out = s.file("f.safetensors"), .network = network, .layers = layers, .pooling = pooling});
    return read_tensors(s.file("f.safetensors")).at("features");
  };
  const at::Tensor teacher = values(Network::teacher, "last", Pooling::mean),
                   student = values(Network::student, "last", Pooling::mean);
  CHECK(teacher.sizes() == at::IntArrayRef({10, 32}));
  CHECK((teacher - student).abs().max().item<float>() > 1e-3f);
  CHECK(values(Network::teacher, "1+2+3", Pooling::cls).sizes() == at::IntArrayRef({10, 96}));
  const at::Tensor all = values(Network::teacher, "last", Pooling::all);
  CHECK(all.sizes() == at::IntArrayRef({10, 1, 17, 32}));
  CHECK((all.select(1, 0).slice(1, 1).mean(1) - teacher).abs().max().item<float>() < 1e-5f);
}

TEST_CASE("a picture that cannot be read is left out of features and ids alike") {
  const Setting s("broken");
  test::write_text(s.pictures() / "red" / "2.png", "this is no picture");
  LoadedModel model = load_model(s.run(), std::vector<Override>{{"data.max_bad_fraction", "0.5"}});
  CHECK(s.embed(model, {.out = s.file("f.npy")}).samples == 9);
  CHECK(read_file(s.file("f.tsv"), 1 << 20).find("red/2.png") == std::string::npos);
  CHECK(read_file(s.file("f.npy"), 1 << 20).find("'shape': (9, 64)") != std::string::npos);
}

TEST_CASE("plain PyTorch reproduces the features") {
  const char* chosen = std::getenv("D2V_PYTHON");
  const std::string python = chosen != nullptr ? chosen : "python3";
  if (!find_program("python3") || run_process({python, "-c", "import torch, numpy"}).exit_code != 0)
    D2V_SKIP("PyTorch is not installed (set D2V_PYTHON to a Python that has it)");
  for (const bool pre_norm : {false, true}) {
    Config config = test::tiny_config();
    config.model.layer_norm_first = pre_norm;
    config.model.extra_tokens = pre_norm ? 0 : 2;
    config.loss.cls = 0;
    const Setting s(pre_norm ? "torch_pre" : "torch_post", config);
    LoadedModel model = load_model(s.run(), {});
    for (const Network network : {Network::teacher, Network::student}) {
      s.embed(model,
              {.out = s.file("f.safetensors"), .dump_input = s.file("in.safetensors"), .network = network});
      const ProcessResult result = run_process(
          {python, (test::repo_root() / "tools/python/load_in_torch.py").string(), model.checkpoint.string(),
           s.file("in.safetensors").string(), s.file("f.safetensors").string()});
      CHECK_MESSAGE(result.exit_code == 0, result.output);
    }
  }
}

TEST_CASE("wrong requests are errors before anything is written") {
  const Setting s("wrong");
  LoadedModel model = load_model(s.run(), {});
  CHECK_THROWS_WITH_AS(s.embed(model, {.out = s.file("f.csv")}), doctest::Contains(".safetensors or"),
                       UsageError);
  CHECK_THROWS_WITH_AS(s.embed(model, {.out = s.file("f.npy"), .layers = "9"}),
                       doctest::Contains("from 1 to 4"), UsageError);
  CHECK_FALSE(std::filesystem::exists(s.file("f.npy")));
}
