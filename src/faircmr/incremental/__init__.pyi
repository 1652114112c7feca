from .catalog import IncrementalCatalog as IncrementalCatalog
from .receipts import IncrementalParameters as IncrementalParameters
from .receipts import expected_keys as expected_keys
from .receipts import files_of as files_of
from .receipts import path_of as path_of
