from .cards import datasheet as datasheet
from .cards import model_card as model_card
from .paper import FIGURES as FIGURES
from .paper import flat_table_1 as flat_table_1
from .paper import flat_table_2 as flat_table_2
from .paper import latex_table_1 as latex_table_1
from .paper import latex_table_2 as latex_table_2
from .paper import paper_figures as paper_figures
