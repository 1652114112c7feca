from .classified_subjects import Posterior as Posterior
from .classified_subjects import classify_subjects as classify_subjects
from .group_dro import GroupDroObjective as GroupDroObjective
from .group_keys import checked_groups as checked_groups
from .group_keys import reweighing_weights as reweighing_weights
from .meta_learning import FairMetaLearningObjective as FairMetaLearningObjective
from .reweighing import ReweighingObjective as ReweighingObjective
