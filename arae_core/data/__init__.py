"""Data: images in [0, 1], float32, NCHW, from the embedded photographs, CIFAR-10, or folders of images."""

from arae_core.data.cifar10 import cifar10
from arae_core.data.folder_set import FolderSet, lighting
from arae_core.data.folders import image_folder
from arae_core.data.gallery import Gallery, gallery
from arae_core.data.image_set import ImageSet
from arae_core.data.load import available, load
from arae_core.data.noise import clipped_noise
from arae_core.data.oxford_pets import oxford_pets
from arae_core.data.photo_crops import photo_crops
from arae_core.data.photos import photo_names, photograph, photos, texture, texture_names
from arae_core.data.picture_folder import picture_files
from arae_core.data.pictures import UnreadableImageError, picture
from arae_core.data.places import MissingDataError, data_root
from arae_core.data.resized import ResizedSet
from arae_core.data.scaling import rescaled
from arae_core.data.shard_set import ShardSet, shard_set
from arae_core.data.shards import ShardError

__all__ = [
    "FolderSet", "Gallery", "ImageSet", "MissingDataError", "ResizedSet", "ShardError", "ShardSet",
    "UnreadableImageError", "available", "cifar10", "clipped_noise", "data_root", "gallery", "image_folder",
    "lighting", "load", "oxford_pets", "photo_crops", "photo_names", "photograph", "photos", "picture",
    "picture_files", "rescaled", "shard_set", "texture", "texture_names",
]
