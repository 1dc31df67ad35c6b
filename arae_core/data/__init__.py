"""Data: images in [0, 1], float32, NCHW, from the embedded photographs, CIFAR-10, or folders of images."""

from arae_core.data.absent import AbsentImages, ImagesAbsent
from arae_core.data.cifar10 import cifar10
from arae_core.data.folder_set import FolderSet, lighting
from arae_core.data.folders import image_folder
from arae_core.data.gallery import Gallery, gallery, require_pictures
from arae_core.data.image_set import ImageSet, ResizedSet, resized
from arae_core.data.images import Images, LabelledImages, require_classes
from arae_core.data.load import available, load, require_dataset
from arae_core.data.noise import clipped_noise
from arae_core.data.oxford_pets import oxford_pets
from arae_core.data.photos import photo_crops, photo_names, photograph, photos, texture, texture_names
from arae_core.data.pictures import UnreadableImageError, picture, picture_files, rescaled
from arae_core.data.places import MissingDataError, data_root

__all__ = [
    "AbsentImages",
    "FolderSet",
    "Gallery",
    "ImageSet",
    "Images",
    "ImagesAbsent",
    "LabelledImages",
    "MissingDataError",
]
__all__ += ["ResizedSet", "UnreadableImageError", "available", "cifar10", "clipped_noise", "data_root"]
__all__ += ["gallery", "image_folder", "lighting", "load", "oxford_pets", "photo_crops", "photo_names"]
__all__ += ["photograph", "photos", "picture", "picture_files", "require_classes", "require_dataset"]
__all__ += ["require_pictures", "rescaled", "resized", "texture", "texture_names"]
