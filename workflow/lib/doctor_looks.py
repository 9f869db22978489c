"""What the doctor's job sees on its node: `python -m workflow.lib.doctor_looks FILE`."""

import os
import shutil
import socket
import sys
import time
from pathlib import Path

import torch

from sdetr.files import write_json


def main() -> None:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    seen = {
        "host": os.environ.get("SLURMD_NODENAME", socket.gethostname()),
        "gpus": [torch.cuda.get_device_name(number) for number in range(count)],
        "visible": os.environ.get("CUDA_VISIBLE_DEVICES", "unset"),
        "shared_mb": shutil.disk_usage("/dev/shm").free // 2**20,
    }
    write_json(Path(sys.argv[1]), seen | {"time": time.time()})


if __name__ == "__main__":
    main()
