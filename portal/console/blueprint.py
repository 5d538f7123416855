"""The console's blueprint; every page module puts its routes on it."""

from flask import Blueprint

blueprint = Blueprint("console", __name__, url_prefix="/console", template_folder="templates")
