"""What is compared with the reference implementation, one module a subject."""

from comparisons.architecture_search import COMPARISONS as ARCHITECTURE_SEARCH
from comparisons.networks import COMPARISONS as NETWORKS
from comparisons.segmentation import COMPARISONS as SEGMENTATION
from comparisons.training_steps import COMPARISONS as TRAINING_STEPS

COMPARISONS = (*ARCHITECTURE_SEARCH, *TRAINING_STEPS, *NETWORKS, *SEGMENTATION)
