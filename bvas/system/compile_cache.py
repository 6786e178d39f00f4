"""Compiled kernels kept between runs, in our cache folder: the next process loads them where this one compiled."""

import logging
import os
from functools import lru_cache

from bvas.system.cache_folder import cache_folder, fault_of_writing

logger = logging.getLogger(__name__)

_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"
_FOLDER = "compiled"


@lru_cache
def keep_compiled() -> None:
    """Have torch.compile keep what it makes in our cache folder; call it before the first compilation.

    TorchInductor keeps it in the folder for temporary files by default, which a new container or a restart empties.
    A folder that the user chose stays; where ours cannot be written, torch's default does.
    """
    if os.environ.get(_VARIABLE):
        return
    home = cache_folder()
    if home is None:
        return
    folder = home / _FOLDER
    fault = fault_of_writing(folder)
    if fault is not None:
        logger.info("compiled kernels are not kept in %s (%s); torch keeps them where it does", folder, fault)
        return
    # Its own libraries and Triton's read it when they first compile.
    os.environ[_VARIABLE] = str(folder)
    logger.debug("compiled kernels are kept in %s", folder)
