"""The HPS front end in PyTorch's operations, as people write it for a GPU.

usage: frontend_gpu_peer.py WAVEFORM DEVICE
WAVEFORM holds float32 samples at 16 kHz. The first line is answered with "ready", or with what is
missing; each further line, a number of windows, with the seconds their features take on DEVICE.
"""
import sys
import time

TAPS = 31
WINDOWS_AT_ONCE = 4  # unfolding takes 31 spectrograms a window, twice, and sorting more
sys.stdin.readline()
try:
    import numpy as np
    import torch
    import torchaudio.functional as audio
except ImportError as missing:
    print(missing, flush=True)
    sys.exit()

device = torch.device(sys.argv[2])
waveform = torch.from_numpy(np.fromfile(sys.argv[1], dtype=np.float32)).to(device)
taper = torch.hann_window(400, device=device)
mel = audio.melscale_fbanks(513, 60.0, 7800.0, 64, 16000, norm="slaney", mel_scale="slaney").to(device)


def medians(spectrogram, axis):
    """Sliding medians along one axis, edge samples repeated."""
    half = TAPS // 2
    ends = [spectrogram.narrow(axis, 0, half).flip(axis), spectrogram,
            spectrogram.narrow(axis, spectrogram.shape[axis] - half, half).flip(axis)]
    return torch.cat(ends, axis).unfold(axis, TAPS, 1).median(-1).values


def features_of(waveforms):
    """[b, L] to [b, 2, 64, F], dB below each channel's maximum."""
    spectrum = torch.stft(waveforms, 1024, 160, 400, taper, pad_mode="constant",
                          return_complex=True).abs()
    harmonic, percussive = medians(spectrum, 2) ** 2, medians(spectrum, 1) ** 2
    total = harmonic + percussive
    shares = [torch.where(total > 0, part / total, 0.5) for part in (harmonic, percussive)]
    power = torch.stack([(spectrum * share) ** 2 for share in shares], 1)
    level = 10 * (power.transpose(2, 3) @ mel).transpose(2, 3).clamp_min(1e-10).log10()
    return (level - level.amax((2, 3), keepdim=True)).clamp_min(-80)


def wait():
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    print("ready", flush=True)
    for line in sys.stdin:
        batch = waveform.repeat(int(line), 1)
        wait()
        start = time.perf_counter()
        for part in batch.split(WINDOWS_AT_ONCE):
            features_of(part)
        wait()
        print(time.perf_counter() - start, flush=True)
