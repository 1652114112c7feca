from .parameters import AugmentationParameters as AugmentationParameters
from .parameters import FactorRange as FactorRange
from .parameters import InferenceParameters as InferenceParameters
from .parameters import PositiveRange as PositiveRange
from .parameters import Precision as Precision
from .parameters import RandomRange as RandomRange
from .parameters import TrainingParameters as TrainingParameters
