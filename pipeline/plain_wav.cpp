#include "plain_wav.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "audio_frames.h"
#include "d2v/base/check.h"
#include "d2v/pipeline/read_stop.h"
#include "ffmpeg_file.h"
#include "mono.h"

namespace d2v {
namespace {

// Files of this program's usual kind have their sound within so many bytes. Sound coded otherwise than its header says
// is looked for in them too.
constexpr size_t kWavHead = 4096;
constexpr size_t kWavPiece = size_t{1} << 16;
constexpr int64_t kMostWavChannels = 64;
constexpr uint32_t kUnknownWavLength = 0x7fff0000;  // and above: programs write such when they do not know it

int64_t number16(const uint8_t* bytes) { return bytes[0] | bytes[1] << 8; }

std::string_view word(std::span<const uint8_t> head, size_t at) {
  return {reinterpret_cast<const char*>(head.data()) + at, 4};
}

// Codes of WAVEFORMATEXTENSIBLE are the first two bytes of a GUID that goes on like this.
constexpr std::string_view kGuidTail("\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71", 14);

int64_t format_code(std::span<const uint8_t> format) {
  const int64_t code = number16(format.data());
  if (code != 0xfffe) return code;
  const bool known = format.size() >= 40 &&
                     std::memcmp(format.data() + 26, kGuidTail.data(), kGuidTail.size()) == 0 &&
                     number16(format.data() + 18) == number16(format.data() + 14);
  return known ? number16(format.data() + 24) : -1;
}

std::optional<PlainWav> described(std::span<const uint8_t> format) {
  if (format.size() < 16) return std::nullopt;
  PlainWav wav;
  wav.info.channels = number16(format.data() + 2);
  wav.info.rate = little_endian32(format.data() + 4);
  wav.frame_bytes = number16(format.data() + 12);
  using Coding = PlainWav::Coding;
  struct Known {
    int64_t code, bits;
    const char* name;
    Coding coding;
  };
  constexpr std::array<Known, 6> kKnown{{{1, 8, "pcm_u8", Coding::u8},
                                         {1, 16, "pcm_s16le", Coding::s16},
                                         {1, 24, "pcm_s24le", Coding::s24},
                                         {1, 32, "pcm_s32le", Coding::s32},
                                         {3, 32, "pcm_f32le", Coding::f32},
                                         {3, 64, "pcm_f64le", Coding::f64}}};
  const int64_t code = format_code(format), bits = number16(format.data() + 14);
  const auto known = std::find_if(kKnown.begin(), kKnown.end(),
                                  [&](const Known& one) { return one.code == code && one.bits == bits; });
  const bool usual = known != kKnown.end() && wav.info.rate > 0 && wav.info.rate <= kMostRate &&
                     wav.info.channels > 0 && wav.info.channels <= kMostWavChannels &&
                     wav.frame_bytes == wav.info.channels * bits / 8;
  if (!usual) return std::nullopt;
  wav.info.codec = known->name;
  wav.coding = known->coding;
  return wav;
}

// The first words of DTS and of IEC 61937, which are sent as if they were 16-bit samples.
bool holds_packed_sound(std::span<const uint8_t> sound) {
  for (size_t at = 0; at + 4 <= sound.size(); at += 2) {
    const uint32_t four = little_endian32(sound.data() + at);
    if (four == 0x80017ffe || four == 0x0180fe7f || four == 0xe8001fff || four == 0x00e8ff1f ||
        four == 0x4e1ff872 || four == 0x25205864)
      return true;
  }
  return false;
}

template <class T>
auto sample_at(const uint8_t* bytes) {
  return [bytes](int64_t i) {
    T value;
    std::memcpy(&value, bytes + i * static_cast<int64_t>(sizeof(T)), sizeof value);
    return sample_to_float(value);
  };
}

void convert(const PlainWav& wav, const uint8_t* bytes, std::span<float> out) {
  const int64_t channels = wav.info.channels;
  switch (wav.coding) {
    case PlainWav::Coding::u8:
      return average_interleaved(channels, out, sample_at<uint8_t>(bytes));
    case PlainWav::Coding::s16:
      return average_interleaved(channels, out, sample_at<int16_t>(bytes));
    case PlainWav::Coding::s24:
      return average_interleaved(channels, out, [bytes](int64_t i) {
        const uint8_t* at = bytes + 3 * i;
        return sample_to_float(
            static_cast<int32_t>(uint32_t{at[0]} << 8 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 24));
      });
    case PlainWav::Coding::s32:
      return average_interleaved(channels, out, sample_at<int32_t>(bytes));
    case PlainWav::Coding::f32:
      return average_interleaved(channels, out, sample_at<float>(bytes));
    case PlainWav::Coding::f64:
      return average_interleaved(channels, out, sample_at<double>(bytes));
  }
}

}  // namespace

std::optional<PlainWav> plain_wav(const OpenBytes& file) {
  std::array<uint8_t, kWavHead> bytes;
  const std::span<const uint8_t> head = std::span(bytes).first(file.read_at(0, bytes));
  if (head.size() < 12 || word(head, 0) != "RIFF" || word(head, 8) != "WAVE") return std::nullopt;
  std::optional<PlainWav> wav;
  for (uint64_t at = 12; at + 8 <= head.size();) {
    const uint64_t length = little_endian32(head.data() + at + 4);
    const std::string_view chunk = word(head, at);
    at += 8;
    if (chunk == "fmt ") {
      if (wav || length > head.size() - at) return std::nullopt;
      wav = described(head.subspan(at, length));
      if (!wav) return std::nullopt;
    }
    if (chunk == "data") {
      if (!wav || length >= kUnknownWavLength || at + length > file.size()) return std::nullopt;
      wav->first = at;
      wav->info.samples = static_cast<int64_t>(length) / wav->frame_bytes;
      const bool packed = wav->coding == PlainWav::Coding::s16 && holds_packed_sound(head.subspan(at));
      return wav->info.samples > 0 && !packed ? wav : std::nullopt;
    }
    at += length + length % 2;
  }
  return std::nullopt;
}

void read_plain_wav(const PlainWav& wav, const OpenBytes& file, int64_t first, std::span<float> out,
                    std::vector<uint8_t>& bytes, const std::atomic<bool>* stop, StageTimes* times) {
  const auto frame = static_cast<size_t>(wav.frame_bytes);
  const size_t most = std::max<size_t>(kWavPiece / frame, 1);
  bytes.resize(std::max(bytes.size(), most * frame));
  for (size_t done = 0; done < out.size();) {
    check_stop(stop);
    const size_t count = std::min(most, out.size() - done);
    const uint64_t at = wav.first + (static_cast<uint64_t>(first) + done) * frame;
    {
      const StageTimer timer(times, Stage::read);
      const size_t got = file.read_at(at, std::span(bytes).first(count * frame));
      check<DataError>(got == count * frame,
                       "{}: ends while it is read: expected {} bytes from byte {}, found {}", file.name(),
                       count * frame, at, got);
      if (times != nullptr) times->bytes += static_cast<int64_t>(got);
    }
    convert(wav, bytes.data(), out.subspan(done, count));
    done += count;
  }
}

}  // namespace d2v
