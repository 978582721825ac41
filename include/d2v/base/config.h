// The whole configuration: every section once. Parts of the program take their own section by const reference.
#pragma once

#include "d2v/base/config/data.h"
#include "d2v/base/config/evaluation.h"
#include "d2v/base/config/modality.h"
#include "d2v/base/config/model.h"
#include "d2v/base/config/training.h"

namespace d2v {

struct Config {
  RunConfig run;
  DataConfig data;
  ImageConfig image;
  SpeechConfig speech;
  TextConfig text;
  SpectrogramConfig spectrogram;
  MaskConfig mask;
  ModelConfig model;
  DecoderConfig decoder;
  TargetConfig target;
  LossConfig loss;
  Data2Vec1Config data2vec1;
  MaeConfig mae;
  EmaConfig ema;
  OptimConfig optim;
  CheckpointConfig checkpoint;
  HealthConfig health;
  InitConfig init;
  ProbeConfig probe;

  template <class V>
  void visit(V& v) {
    v("run", run);
    v("data", data);
    v("image", image);
    v("speech", speech);
    v("text", text);
    v("spectrogram", spectrogram);
    v("mask", mask);
    v("model", model);
    v("decoder", decoder);
    v("target", target);
    v("loss", loss);
    v("data2vec1", data2vec1);
    v("mae", mae);
    v("ema", ema);
    v("optim", optim);
    v("checkpoint", checkpoint);
    v("health", health);
    v("init", init);
    v("probe", probe);
  }
};

}  // namespace d2v
