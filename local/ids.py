"""One machine's names come from the machine's chance."""

from shared.ids import ALPHABET, JOB_CHANCE_BITS, JOB_EPOCH_MS, JOB_LENGTH, ULID_CHANCE_BITS, SystemIds

__all__ = ["ALPHABET", "JOB_CHANCE_BITS", "JOB_EPOCH_MS", "JOB_LENGTH", "ULID_CHANCE_BITS", "SystemIds"]
