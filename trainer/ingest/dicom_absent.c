/* For a build without GDCM. */
#include "trainer/ingest/dicom.h"

nn_status tr_dicom_read(const char *path, struct tr_dicom *dicom, struct nn_error *err)
{
    *dicom = (struct tr_dicom){0};
    return nn_fail(err, NN_ERR_DEVICE,
                   "%s: is no PNG or JPEG; if it is DICOM: this program was built without GDCM (libgdcm-dev)",
                   path);
}

void tr_dicom_release(struct tr_dicom *dicom)
{
    *dicom = (struct tr_dicom){0};
}
