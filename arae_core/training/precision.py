"""bf16 where the machine computes in it, float32 elsewhere."""

from contextlib import AbstractContextManager, nullcontext

import torch


def computes_bf16(device: torch.device | str) -> bool:
    """Whether the device has bf16 arithmetic (AVX512-BF16 or AMX on a CPU), not only emulation."""
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if kind == "cpu":
        abilities = torch.cpu.get_capabilities()
        return bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16"))
    return False


def mixed_precision(device: torch.device | str, precision: str = "auto") -> AbstractContextManager:
    """Autocast to bf16, or nothing.

    Args:
        precision: "auto" (bf16 where `computes_bf16`), "bf16" or "fp32". Weights, losses and
            perturbations stay float32 in every case.

    Raises:
        ValueError: another name, or bf16 asked of a device that lacks it.
    """
    if precision not in ("auto", "bf16", "fp32"):
        raise ValueError(f'precision must be "auto", "bf16" or "fp32", got {precision!r}')
    if precision == "bf16" and not computes_bf16(device):
        raise ValueError(f'{torch.device(device).type} has no bf16 arithmetic: take "auto" or "fp32"')
    if precision == "fp32" or not computes_bf16(device):
        return nullcontext()
    return torch.autocast(torch.device(device).type, torch.bfloat16)


def precision_here(device: torch.device | str, precision: str = "auto") -> str:
    """The name of what `mixed_precision` will do, for the record."""
    return "bf16" if precision != "fp32" and computes_bf16(device) else "fp32"
